import { expect, test } from 'vitest'
import { barriers, isNumber, mustType } from './confirmation'

const all = { ready: true, saved: true, consent: true, recipients: 12_431, typed: '12431' }

test('the number is typed above a thousand, and not at a thousand', () => {
  expect(mustType(1_000)).toBe(false)
  expect(mustType(1_001)).toBe(true)
  expect(barriers({ ...all, recipients: 1_000, typed: '' })).toEqual([])
  expect(barriers({ ...all, typed: '' })).toEqual(['number'])
})

test('separators of any language are as good as none, another number is not', () => {
  for (const typed of ['12431', '12,431', '12.431', '12 431', '12’431', '12\u202f431', ' 12431 '])
    expect(isNumber(typed, 12_431)).toBe(true)
  for (const typed of ['', '1243', '124310', '12432', '12431x', '-12431']) expect(isNumber(typed, 12_431)).toBe(false)
})

test('everything that stands in the way is named', () => {
  expect(barriers(all)).toEqual([])
  expect(barriers({ ready: false, saved: false, consent: false, recipients: 5_000, typed: '12431' })).toEqual([
    'unsaved',
    'checklist',
    'consent',
    'number',
  ])
})
