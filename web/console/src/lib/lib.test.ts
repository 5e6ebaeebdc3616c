import { expect, test } from 'vitest'
import { toCSV } from './download'
import { ago, bytes, percent, span } from './format'

test('CSV quotes what it must and runs no formula', () => {
  expect(
    toCSV([
      ['a', 'b "c"'],
      ['=1+1', -3],
      ['+1', 'x,y'],
    ]),
  ).toBe('\ufeffa,"b ""c"""\r\n\'=1+1,-3\r\n\'+1,"x,y"\r\n')
})

test('a share of nothing is a dash', () => {
  expect(percent(0, 0)).toBe('—')
  expect(percent(1, 3)).toBe('33.3%')
})

test('times in words', () => {
  const now = new Date('2026-03-01T12:00:00Z')
  expect(ago('2026-03-01T11:55:00Z', now)).toBe('5 minutes ago')
  expect(span(45)).toBe('45 sec')
  expect(span(2 * 3600 + 300)).toBe('2 hr 5 min')
  expect(span(9 * 3600 - 1)).toBe('9 hr') // and not 8 hr 60 min
  expect(span(3599.9)).toBe('1 hr')
})

test('sizes of files', () => {
  expect([0, 999, 1000, 44_100_000].map(bytes)).toEqual(['0 bytes', '999 bytes', '1 kB', '44.1 MB'])
})
