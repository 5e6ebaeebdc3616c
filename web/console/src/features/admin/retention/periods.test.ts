import { expect, test } from 'vitest'
import { choices, losses, periodsOf, shorter } from './periods'

const preview = (name: 'messages' | 'audit', items: number) => ({
  class: name,
  days: 1,
  items,
  campaigns: 0,
  waiting_on_hold: 0,
  waiting_held: 0,
  waiting_lookback: 0,
})

test('choices begin with for ever, respect the minimum and keep what was chosen elsewhere', () => {
  expect(choices(366, 0)).toEqual([0, 366, 396, 731, 1096, 1827, 2557, 3653])
  expect(choices(1827, 2000)).toEqual([0, 1827, 2000, 2557, 3653])
  expect(choices(1827, 1827)).toEqual([0, 1827, 2557, 3653])
})

test('for ever is the longest period', () => {
  expect(shorter(0, 90)).toBe(true)
  expect(shorter(90, 0)).toBe(false)
  expect(shorter(90, 60)).toBe(true)
  expect(shorter(90, 90)).toBe(false)
})

test('only what becomes shorter and deletes something has to be confirmed', () => {
  const was = periodsOf({ version: 1, holds: [], classes: [] } as never)
  expect(was).toEqual({ messages: 0, conversations: 0, uploads: 0, audit: 0 })
  const now = { ...was, messages: 90, audit: 366 }
  expect(losses(was, now, [preview('messages', 5), preview('audit', 0)]).map((p) => p.class)).toEqual(['messages'])
  expect(losses(now, { ...now, messages: 180 }, [preview('messages', 5)])).toEqual([])
})
