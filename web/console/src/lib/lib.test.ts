import { expect, test } from 'vitest'
import { toCSV } from './download'
import { ago, bytes, dateTimeRange, dayMonth, percent, short, span } from './format'

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

test('numbers of an axis are short and still themselves', () => {
  expect([0, 950, 9999, 10_000, 12_500, 200_000, 1_500_000].map(short)).toEqual(['0', '950', '9,999', '10K', '12.5K', '200K', '1.5M'])
})

test('a range says once what its ends share, and nothing without both', () => {
  const spaces = (text: string) => text.replace(/[\u2009\u202f]/g, ' ')
  expect(spaces(dateTimeRange('2026-11-21T08:51:00', '2026-11-21T11:51:00'))).toBe('Nov 21, 2026, 8:51 – 11:51 AM')
  expect(dateTimeRange('2026-11-21T08:51:00', undefined)).toBe('—')
  expect(dayMonth('2026-11-21T23:30:00Z', 'Asia/Tokyo')).toBe('Nov 22')
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
