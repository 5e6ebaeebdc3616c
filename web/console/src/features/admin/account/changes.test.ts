import { expect, test } from 'vitest'
import { changes } from './changes'

test('only what differs is sent', () => {
  const was = { name: 'a', rate: 1, words: ['CANCEL'], rails: { sample: 20, undo: 0 } }
  expect(changes(was, structuredClone(was))).toBeUndefined()
  expect(changes(was, { ...was, rate: 2 })).toEqual({ rate: 2 })
  expect(changes(was, { ...was, rails: { sample: 20, undo: 30 } })).toEqual({ rails: { undo: 30 } })
  expect(changes(was, { ...was, words: [] })).toEqual({ words: [] })
})
