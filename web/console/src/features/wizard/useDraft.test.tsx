import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, renderHook } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Campaign } from './draft'
import { campaign } from './testdraft'
import { useDraft } from './useDraft'

const first = campaign()

/** A server with one draft, which minds the version as the real one does. */
class Server {
  campaign = first
  bodies: Record<string, unknown>[] = []
  refuse: Record<string, string> = {}
  silent = false

  save(change: Partial<Campaign>) {
    this.campaign = { ...this.campaign, ...change, updated_at: new Date(Date.parse(this.campaign.updated_at) + 1).toISOString() }
  }

  answer = async (request: Request): Promise<Response> => {
    if (this.silent) throw new TypeError('no network')
    if (request.method === 'GET') return json(200, this.campaign)
    const { updated_at, check_list, ...change } = (await request.json()) as Record<string, unknown>
    this.bodies.push({ ...change, check_list })
    if (updated_at !== this.campaign.updated_at) return problem(409, 'campaign_changed', [])
    const wrong = Object.keys(change).filter((f) => f in this.refuse)
    if (wrong.length > 0) {
      return problem(
        422,
        'invalid_campaign',
        wrong.map((f) => ({ location: `body.${f}`, message: this.refuse[f] ?? '' })),
      )
    }
    this.save(change)
    return json(200, this.campaign)
  }
}
const json = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
const problem = (status: number, code: string, errors: unknown[]) => json(status, { title: code, status, code, detail: code, errors })

let server: Server
beforeEach(() => {
  server = new Server()
  vi.stubGlobal('fetch', server.answer)
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function open() {
  const client = new QueryClient()
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>
  return renderHook(() => useDraft(first), { wrapper }).result
}
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms))

test('saves a second after the last change, without having the list checked, and once for all of it', async () => {
  const draft = open()
  act(() => draft.current.set({ text: 'Hello y' }))
  await pass(900)
  act(() => draft.current.set({ text: 'Hello you' }))
  await pass(900)
  expect(server.bodies).toEqual([])
  expect(draft.current.standing).toBe('unsaved')
  await pass(200)
  expect(server.bodies).toEqual([{ text: 'Hello you', check_list: false }])
  expect(draft.current.standing).toBe('saved')
})

test('a refused field is named and the others are saved', async () => {
  server.refuse = { rate: 'too fast' }
  const draft = open()
  act(() => draft.current.set({ rate: 99, name: 'Spring' }))
  await pass(1_100)
  expect(server.campaign).toMatchObject({ rate: 10, name: 'Spring' })
  expect(draft.current.values).toMatchObject({ rate: 99, name: 'Spring' })
  expect(draft.current.error('rate')).toBe('too fast')
  expect(draft.current.standing).toBe('refused')
})

test('another tab that saved is not overwritten until somebody says so', async () => {
  const draft = open()
  server.save({ text: 'Theirs', name: 'Theirs' })
  act(() => draft.current.set({ text: 'Mine' }))
  await pass(1_100)
  expect(draft.current.standing).toBe('conflict')
  expect(server.campaign.text).toBe('Theirs')
  act(() => draft.current.keepMine())
  await pass(100)
  expect(server.campaign).toMatchObject({ text: 'Mine', name: 'Theirs' })
  expect(draft.current.standing).toBe('saved')
})

test('without an answer it says so and tries again', async () => {
  server.silent = true
  const draft = open()
  act(() => draft.current.set({ name: 'Spring' }))
  await pass(1_100)
  expect(draft.current.standing).toBe('failed')
  server.silent = false
  await pass(5_100)
  expect(draft.current.standing).toBe('saved')
  expect(server.campaign.name).toBe('Spring')
})

test('having the list checked saves first and then sends nothing but the version', async () => {
  const draft = open()
  act(() => draft.current.set({ text: 'Hello you' }))
  await act(() => draft.current.checkList())
  expect(server.bodies).toEqual([{ text: 'Hello you', check_list: false }, {}])
})
