import { expect, test } from 'vitest'
import { longList } from './pages'

test('a list that was scrolled is left alone, its beginning stays fresh', () => {
  const read = (pages: number) => ({ state: { data: { pages: Array(pages).fill({ items: [] }) } } })
  for (const asks of [longList.refetchOnWindowFocus, longList.refetchOnReconnect]) {
    expect(asks({ state: { data: undefined } })).toBe(true)
    expect(asks(read(1))).toBe(true)
    expect(asks(read(2))).toBe(false)
    expect(asks(read(5000))).toBe(false)
  }
})
