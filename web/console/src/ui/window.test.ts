import { expect, test } from 'vitest'
import { days, likeDay, overnight, runs, weekOf, wholeDay, windowOf } from './window'

const window = { mon: ['08:00', '21:00'], tue: ['08:00', '21:00'], wed: ['22:00', '02:00'], sat: ['00:00', '24:00'] }

test('a window survives the editor, midnight included', () => {
  const week = weekOf(window)
  expect(week.sat).toEqual({ open: true, from: '00:00', to: '00:00' })
  expect(week.thu.open).toBe(false)
  expect(windowOf(week, undefined)).toEqual(window)
})

test('an evening that ends at midnight is not an empty one', () => {
  const week = weekOf({ fri: ['20:00', '22:00'] })
  week.fri.to = '00:00'
  expect(windowOf(week, [])).toEqual({ fri: ['20:00', '24:00'] })
  expect(overnight(week.fri)).toBe(false)
  expect(overnight(weekOf(window).wed)).toBe(true)
  expect(wholeDay(weekOf(window).sat)).toBe(true)
  expect(wholeDay(weekOf(window).mon)).toBe(false)
})

test('half a time is no window yet, a closed day may have one', () => {
  const week = weekOf(window)
  week.thu.from = ''
  expect(windowOf(week, [])).toEqual(window)
  week.mon.to = ''
  expect(windowOf(week, [])).toBeUndefined()
})

test('closed dates are sorted and stand once', () => {
  expect(windowOf(weekOf(window), ['2026-12-26', '2026-12-25', '2026-12-26'])?.holidays).toEqual(['2026-12-25', '2026-12-26'])
})

test('every open day gets the hours of one, closed ones stay closed', () => {
  const week = likeDay(weekOf(window), 'mon')
  expect(days.filter((d) => week[d].open)).toEqual(['mon', 'tue', 'wed', 'sat'])
  expect(week.sat).toEqual({ open: true, from: '08:00', to: '21:00' })
})

test('days with the same hours are one run, unless a closed day stands between', () => {
  expect(runs({ ...window, wed: ['08:00', '21:00'], fri: ['08:00', '21:00'] })).toEqual([
    { first: 'mon', last: 'wed', from: '08:00', to: '21:00' },
    { first: 'fri', last: 'fri', from: '08:00', to: '21:00' },
    { first: 'sat', last: 'sat', from: '00:00', to: '24:00' },
  ])
})
