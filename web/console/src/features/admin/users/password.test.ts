import { expect, test } from 'vitest'
import { oneTimePassword } from './password'

test('a one-time password is long, readable and never the same', () => {
  const seen = new Set(Array.from({ length: 200 }, () => oneTimePassword()))
  expect(seen.size).toBe(200)
  for (const p of seen) expect(p).toMatch(/^[a-hjkmnp-z2-9]{5}(-[a-hjkmnp-z2-9]{5}){3}$/)
})

test('bytes that would favour some letters are thrown away', () => {
  let round = 0
  const p = oneTimePassword((bytes) => bytes.fill(round++ === 0 ? 255 : 0))
  expect(p).toBe('aaaaa-aaaaa-aaaaa-aaaaa')
  expect(round).toBe(2)
})
