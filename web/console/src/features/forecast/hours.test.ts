import { expect, test } from 'vitest'
import { hourLabels, hourTicks } from './hours'

test('each hour has a label of its own, also the one that comes twice', () => {
  const labels = hourLabels(['2026-11-01T04:00:00Z', '2026-11-01T05:00:00Z', '2026-11-01T06:00:00Z'], 'America/New_York')
  expect(new Set(labels).size).toBe(3)
  expect(labels[2]).toContain('(2)')
})

test('below the hours stands the day where a new one begins', () => {
  const ticks = hourTicks(['2026-11-01T03:00:00Z', '2026-11-01T04:00:00Z', '2026-11-01T05:00:00Z'], 'America/New_York')
  expect(ticks.map((tick) => tick.under)).toEqual(['Oct 31', 'Nov 1', undefined])
  expect(ticks.map((tick) => tick.text.replace('\u202f', ' '))).toEqual(['11:00 PM', '12:00 AM', '1:00 AM'])
})
