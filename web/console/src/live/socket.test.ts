import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { isTouched } from './bridge'
import { type LiveEvent, LiveSocket, type LiveState } from './socket'

class FakeSocket {
  static made: FakeSocket[] = []
  readyState = 0
  onmessage: ((m: { data: string }) => void) | null = null
  onclose: ((e: { code: number }) => void) | null = null
  constructor(readonly url: string) {
    FakeSocket.made.push(this)
  }
  close() {
    this.onclose?.({ code: 1006 })
  }
  say(frame: unknown) {
    this.onmessage?.({ data: JSON.stringify(frame) })
  }
}

beforeEach(() => {
  vi.useFakeTimers()
  FakeSocket.made = []
})
afterEach(() => vi.useRealTimers())

function connected() {
  const events: LiveEvent[] = []
  const states: LiveState[] = []
  let resyncs = 0
  const live = new LiveSocket(
    'ws://x/v1/live',
    { event: (e) => events.push(e), state: (s) => states.push(s), resync: () => resyncs++ },
    (u) => new FakeSocket(u) as never,
  )
  live.start()
  const socket = () => FakeSocket.made.at(-1) as FakeSocket
  return { live, events, states, socket, resyncs: () => resyncs }
}

test('a new connection names the last epoch and offset, and what was heard already is not heard again', () => {
  const { events, states, socket } = connected()
  socket().say({ type: 'hello', epoch: 'e1', offset: 4 })
  socket().say({ type: 'event', offset: 5, topic: 'campaign', id: 'cmp_1' })
  socket().close()
  vi.advanceTimersByTime(20_000)
  expect(FakeSocket.made).toHaveLength(2)
  expect(socket().url).toBe('ws://x/v1/live?epoch=e1&after=5')
  socket().say({ type: 'hello', epoch: 'e1', offset: 6 })
  socket().say({ type: 'event', offset: 5, topic: 'campaign', id: 'cmp_1' })
  socket().say({ type: 'event', offset: 6, topic: 'held' })
  expect(events.map((e) => e.offset)).toEqual([5, 6])
  expect(states).toEqual(['connecting', 'open', 'lost', 'lost', 'open'])
})

test('silence ends a dead connection, and the end of the session ends the tries', () => {
  const { socket, live } = connected()
  socket().say({ type: 'hello', epoch: 'e1', offset: 0 })
  vi.advanceTimersByTime(46_000)
  vi.advanceTimersByTime(20_000)
  expect(FakeSocket.made.length).toBeGreaterThan(1)
  const before = FakeSocket.made.length
  socket().onclose?.({ code: 4401 })
  vi.advanceTimersByTime(600_000)
  expect(FakeSocket.made.length).toBe(before)
  live.stop()
})

test('a sign of life keeps a quiet connection', () => {
  const { socket, events, resyncs } = connected()
  socket().say({ type: 'hello', epoch: 'e1', offset: 0 })
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(20_000)
    socket().say({ type: 'beat' })
  }
  expect(FakeSocket.made).toHaveLength(1)
  expect([events.length, resyncs()]).toEqual([0, 0])
})

test('an event touches what belongs to it and nothing else', () => {
  const event = { offset: 1, topic: 'campaign', id: 'cmp_1' }
  expect(isTouched(event, ['get', '/v1/campaigns/{campaign}/progress', { params: { path: { campaign: 'cmp_1' } } }])).toBe(true)
  expect(isTouched(event, ['get', '/v1/campaigns/{campaign}/progress', { params: { path: { campaign: 'cmp_2' } } }])).toBe(false)
  expect(isTouched(event, ['get', '/v1/campaigns', undefined])).toBe(true)
  expect(isTouched(event, ['get', '/v1/opt-outs', undefined])).toBe(false)
  const answer = { offset: 2, topic: 'inbound' }
  expect(isTouched(answer, ['get', '/v1/campaigns/{campaign}/progress', { params: { path: { campaign: 'cmp_2' } } }])).toBe(true)
})
