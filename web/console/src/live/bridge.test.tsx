import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query'
import { act, render } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Live } from './bridge'

class FakeSocket {
  static readonly OPEN = 1
  static made: FakeSocket[] = []
  readyState = 0
  onmessage: ((m: { data: string }) => void) | null = null
  onclose: ((e: { code: number }) => void) | null = null
  constructor(readonly url: string) {
    FakeSocket.made.push(this)
  }
  close() {}
}

const last = () => FakeSocket.made.at(-1) as FakeSocket
const later = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms))
const say = async (frame: object) => {
  last().onmessage?.({ data: JSON.stringify(frame) })
  await later(1000)
}
const lose = async () => {
  last().onclose?.({ code: 1006 })
  await later(20_000)
}

beforeEach(() => {
  vi.useFakeTimers()
  FakeSocket.made = []
  vi.stubGlobal('WebSocket', FakeSocket)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A page that reads two things; the server can be away. */
async function page() {
  const asked = { campaigns: 0, skills: 0 }
  let away = false
  const read = (name: keyof typeof asked) => () => {
    asked[name]++
    if (away && name === 'campaigns') throw new Error('away')
    return name
  }
  const Reads = () => {
    useQuery({ queryKey: ['get', '/v1/campaigns', {}], queryFn: read('campaigns') })
    useQuery({ queryKey: ['get', '/v1/skills', {}], queryFn: read('skills') })
    return null
  }
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } })
  render(
    <QueryClientProvider client={client}>
      <Live>
        <Reads />
      </Live>
    </QueryClientProvider>,
  )
  await later(0)
  return { asked, goes: (gone: boolean) => (away = gone) }
}

test('after a lost connection only what was missed or failed is read again', async () => {
  const { asked, goes } = await page()
  await say({ type: 'hello', epoch: 'e1', offset: 4 })
  await lose()
  expect(last().url).toMatch(/epoch=e1&after=4$/)
  await say({ type: 'hello', epoch: 'e1', offset: 4 })
  expect(asked, 'nothing happened meanwhile').toEqual({ campaigns: 1, skills: 1 })

  await lose()
  await say({ type: 'hello', epoch: 'e1', offset: 5 })
  await say({ type: 'event', offset: 5, topic: 'campaign' })
  expect(asked, 'what an event names').toEqual({ campaigns: 2, skills: 1 })

  goes(true)
  await say({ type: 'event', offset: 6, topic: 'campaign' })
  expect(asked).toEqual({ campaigns: 3, skills: 1 })
  await lose()
  goes(false)
  await say({ type: 'hello', epoch: 'e1', offset: 6 })
  expect(asked, 'what could not be read').toEqual({ campaigns: 4, skills: 1 })
})

test('a resync reads everything, and so does the first hello after failures', async () => {
  const { asked } = await page()
  await lose()
  await say({ type: 'hello', epoch: 'e1', offset: 9 })
  expect(asked, 'nobody could name a place').toEqual({ campaigns: 2, skills: 2 })
  await lose()
  await say({ type: 'hello', epoch: 'e2', offset: 0 })
  await say({ type: 'resync' })
  expect(asked).toEqual({ campaigns: 3, skills: 3 })
})
