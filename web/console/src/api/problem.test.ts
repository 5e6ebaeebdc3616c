import { expect, test } from 'vitest'
import { ApiError, blocks, noAnswer } from './problem'

const refused = (status: number) => new ApiError({ title: '', status, code: '', detail: '' })

test('what is on the page stays while the server is away, and goes when it says no', () => {
  const data = {}
  expect(blocks({ error: null, data: undefined })).toBe(false)
  expect(blocks({ error: noAnswer(new Error('away')), data: undefined })).toBe(true)
  expect(blocks({ error: noAnswer(new Error('away')), data })).toBe(false)
  expect(blocks({ error: refused(503), data })).toBe(false)
  for (const status of [401, 403, 404]) expect(blocks({ error: refused(status), data })).toBe(true)
})
