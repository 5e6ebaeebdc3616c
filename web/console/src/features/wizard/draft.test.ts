import { expect, test } from 'vitest'
import { begin, type DraftEvent, reduce, refusalOf, standing, unsaved, valuesOf } from './draft'
import { campaign } from './testdraft'

const play = (...events: DraftEvent[]) => events.reduce(reduce, begin(campaign()))
const later = (seconds: number) => `2026-11-21T10:00:0${seconds}Z`

test('an edit is unsaved until it is saved, and what was typed meanwhile stays unsaved', () => {
  const typed = play({ type: 'edited', change: { text: 'Hello you' } })
  expect(standing(typed)).toBe('unsaved')
  expect(unsaved(typed)).toEqual({ text: 'Hello you' })
  const sent = reduce(reduce(typed, { type: 'sending', change: unsaved(typed) }), { type: 'edited', change: { text: 'Hello you!' } })
  expect(standing(sent)).toBe('saving')
  const saved = reduce(sent, { type: 'saved', campaign: campaign({ text: 'Hello you', updated_at: later(1) }), at: 7 })
  expect(unsaved(saved)).toEqual({ text: 'Hello you!' })
  expect(valuesOf(saved).text).toBe('Hello you!')
  expect(saved.savedAt).toBe(7)
})

test('an edit back to what the server has needs no saving', () => {
  const d = play({ type: 'edited', change: { name: 'Other' } }, { type: 'edited', change: { name: 'Renewal' } })
  expect(standing(d)).toBe('saved')
  const window = play({ type: 'edited', change: { window: { tue: undefined, mon: ['08:00', '21:00'] } } })
  expect(standing(window)).toBe('saved')
})

test('the blank that the server trims is not taken from under the cursor', () => {
  const d = play(
    { type: 'edited', change: { name: 'Spring ' } },
    { type: 'sending', change: { name: 'Spring ' } },
    { type: 'saved', campaign: campaign({ name: 'Spring', updated_at: later(1) }), at: 1 },
  )
  expect(standing(d)).toBe('saved')
  expect(valuesOf(d).name).toBe('Spring ')
})

test('a value that the server changed along with another is shown', () => {
  const rate = play(
    { type: 'edited', change: { rate: 9 } },
    { type: 'sending', change: { rate: 9 } },
    { type: 'saved', campaign: campaign({ rate: 9, updated_at: later(1) }), at: 1 },
    { type: 'edited', change: { sender: 'snd_2' } },
    { type: 'sending', change: { sender: 'snd_2' } },
    { type: 'saved', campaign: campaign({ rate: 2, sender: 'snd_2', updated_at: later(2) }), at: 2 },
  )
  expect(valuesOf(rate)).toMatchObject({ rate: 2, sender: 'snd_2' })
})

test('a refused field does not keep the others from being saved', () => {
  const change = { text: 'New', launch_at: '2020-01-01T00:00:00Z' }
  const d = play(
    { type: 'edited', change },
    { type: 'sending', change },
    { type: 'refused', fields: { launch_at: 'is over' }, trouble: 'refused' },
  )
  expect(standing(d)).toBe('refused')
  expect(unsaved(d)).toEqual({ text: 'New' })
  expect(refusalOf(d, 'launch_at')).toBe('is over')
  const mended = reduce(d, { type: 'edited', change: { launch_at: '' } })
  expect(refusalOf(mended, 'launch_at')).toBeUndefined()
  expect(unsaved(mended)).toEqual({ text: 'New' })
})

test('what is said against a part of a field belongs to the field', () => {
  const change = { window: { mon: ['08:00', '08:00'] } }
  const d = play(
    { type: 'edited', change },
    { type: 'sending', change },
    { type: 'refused', fields: { 'window.mon': 'never open' }, trouble: null },
  )
  expect(refusalOf(d, 'window')).toBe('never open')
  expect(refusalOf(d, 'window.tue')).toBeUndefined()
  expect(d.blocked).toEqual(['window'])
})

test('another tab: theirs can be taken, or mine kept on top of them', () => {
  const theirs = campaign({ text: 'Theirs', rate: 5, updated_at: later(3) })
  const d = play({ type: 'edited', change: { text: 'Mine' } }, { type: 'sending', change: { text: 'Mine' } }, { type: 'overtaken', theirs })
  expect(standing(d)).toBe('conflict')
  expect(valuesOf(reduce(d, { type: 'takeTheirs' }))).toMatchObject({ text: 'Theirs', rate: 5 })
  const mine = reduce(d, { type: 'keepMine' })
  expect(valuesOf(mine)).toMatchObject({ text: 'Mine', rate: 5 })
  expect(unsaved(mine)).toEqual({ text: 'Mine' })
  expect(mine.base.updated_at).toBe(later(3))
})

test('a newer version without a difference that a person can see is no conflict', () => {
  const d = play(
    { type: 'edited', change: { text: 'Mine' } },
    { type: 'sending', change: { text: 'Mine' } },
    { type: 'overtaken', theirs: campaign({ recipients: 9, updated_at: later(3) }) },
  )
  expect(standing(d)).toBe('unsaved')
  expect(d.base.updated_at).toBe(later(3))
})

test('what another tab saved is shown where nothing is unsaved, and an old answer changes nothing', () => {
  const fresh = play({ type: 'loaded', campaign: campaign({ text: 'Theirs', updated_at: later(3) }) })
  expect(valuesOf(fresh).text).toBe('Theirs')
  expect(reduce(fresh, { type: 'loaded', campaign: campaign() })).toBe(fresh)
  const typing = play(
    { type: 'edited', change: { text: 'Mine' } },
    { type: 'loaded', campaign: campaign({ name: 'Theirs', updated_at: later(3) }) },
  )
  expect(standing(typing)).toBe('conflict')
})
