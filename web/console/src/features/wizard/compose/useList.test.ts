import { expect, test } from 'vitest'
import type { Schemas } from '@/api/client'
import { summarize, unknownTo } from './useList'

const upload = (more: Partial<Schemas['Import']>): Schemas['Import'] => ({
  id: 'imp_1',
  state: 'done',
  source: 'csv',
  header: [],
  variables: [],
  rows: 0,
  valid: 0,
  rejected: 0,
  duplicates: 0,
  opted_out: 0,
  segments: 0,
  created_at: '2026-11-21T10:00:00Z',
  ...more,
})

test('uploads add up, and one that failed or is under way does not count', () => {
  expect(
    summarize([
      upload({ variables: ['name', 'ends'], segments: 10, worst_row: 3, worst_segments: 1 }),
      upload({ variables: ['name', 'amount'], segments: 7, worst_row: 9, worst_segments: 2 }),
      upload({ state: 'failed', variables: ['odd'], segments: 99, worst_row: 1, worst_segments: 9 }),
      upload({ state: 'loading', variables: ['soon'] }),
    ]),
  ).toEqual({ variables: ['name', 'ends', 'amount'], segments: 17, worst: { row: 9, segments: 2 } })
  expect(summarize([]).worst).toBeUndefined()
})

test('a variable is known by name in any case, and by the number of its column', () => {
  expect(unknownTo(['Name', 'ends'], ['name', 'ENDS', '2', '3', 'nam', '0'])).toEqual(['3', 'nam', '0'])
  expect(unknownTo([], ['anything'])).toEqual([])
})
