import { expect, test } from 'vitest'
import { fromInput, percentsOf, soon, toInput } from './moment'

test('a moment survives the input of the browser', () => {
  expect(fromInput(toInput('2026-12-01T09:30:00Z'))).toBe('2026-12-01T09:30:00Z')
  expect(toInput('')).toBe('')
  expect(fromInput('')).toBe('')
  expect(fromInput('2026-12-')).toBeUndefined()
})

test('the launch that is offered is a full hour, at least half an hour away', () => {
  expect(soon(new Date('2026-12-01T09:20:00Z'))).toBe('2026-12-01T10:00:00Z')
  expect(soon(new Date('2026-12-01T09:40:00Z'))).toBe('2026-12-01T11:00:00Z')
})

test('steps of a ramp are read as people type them', () => {
  expect(percentsOf('10, 25 50%;100 %')).toEqual([10, 25, 50, 100])
  expect(percentsOf('')).toBeUndefined()
  expect(percentsOf('10, half')).toBeUndefined()
})
