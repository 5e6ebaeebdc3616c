import { expect, test } from 'vitest'
import { hourLabels } from './hours'

test('each hour has a label of its own, also the one that comes twice', () => {
  const labels = hourLabels(['2026-11-01T04:00:00Z', '2026-11-01T05:00:00Z', '2026-11-01T06:00:00Z'], 'America/New_York')
  expect(new Set(labels).size).toBe(3)
  expect(labels[2]).toContain('(2)')
})
