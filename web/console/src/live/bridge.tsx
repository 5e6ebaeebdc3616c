import type { QueryClient } from '@tanstack/react-query'
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { type LiveEvent, LiveSocket, type LiveState } from './socket'

/** Which paths of the API a topic makes old. An event with an id leaves alone what belongs to other ids. */
const touched: Record<string, string[]> = {
  campaign: [
    '/v1/campaigns',
    '/v1/campaigns/{campaign}',
    '/v1/campaigns/{campaign}/progress',
    '/v1/campaigns/{campaign}/checklist',
    '/v1/campaigns/{campaign}/imports',
    '/v1/figures',
    '/v1/analytics',
  ],
  held: ['/v1/held', '/v1/campaigns/{campaign}/held'],
  // Answers also come to campaigns that are long over, which have no events of their own any more.
  inbound: [
    '/v1/conversations',
    '/v1/conversations/{conversation}',
    '/v1/lab/phones/{number}',
    '/v1/campaigns',
    '/v1/campaigns/{campaign}/progress',
    '/v1/figures',
    '/v1/analytics',
  ],
  opt_out: ['/v1/opt-outs', '/v1/analytics'],
  sender: ['/v1/senders', '/v1/senders/{sender}'],
}

type Init = { params?: { path?: Record<string, string> } }

/** A query is touched when its path belongs to the topic and, if both name one, to the same thing. */
export function isTouched(event: LiveEvent, key: readonly unknown[]): boolean {
  const [, path, init] = key as [string, string, Init | undefined]
  if (!touched[event.topic]?.includes(path)) return false
  const ids = Object.values(init?.params?.path ?? {})
  return !event.id || ids.length === 0 || ids.includes(event.id)
}

/** Bursts become one refetch: a running campaign changes many times a second. */
const settle = 400

export function bridge(client: QueryClient): { take: (event: LiveEvent) => void; all: () => void; failed: () => void } {
  let waiting: LiveEvent[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  return {
    take(event) {
      waiting.push(event)
      if (timer !== undefined) return
      timer = setTimeout(() => {
        const events = waiting
        waiting = []
        timer = undefined
        void client.invalidateQueries({ predicate: (q) => events.some((e) => isTouched(e, q.queryKey)) })
      }, settle)
    },
    all() {
      void client.invalidateQueries()
    },
    failed() {
      void client.invalidateQueries({ predicate: (q) => q.state.status === 'error' })
    },
  }
}

const State = createContext<LiveState>('connecting')
export const useLiveState = (): LiveState => useContext(State)

export function Live({ children }: { children: ReactNode }) {
  const client = useQueryClient()
  const [state, setState] = useState<LiveState>('connecting')
  useEffect(() => {
    const { take, all, failed } = bridge(client)
    let wasLost = false
    const socket = new LiveSocket(`${location.origin.replace(/^http/, 'ws')}/v1/live`, {
      event: take,
      resync: all,
      state: (next) => {
        // What changed meanwhile comes as events, or as a resync. What could not be read meanwhile is read now.
        if (next === 'open' && wasLost) failed()
        wasLost = next === 'lost' || (wasLost && next !== 'open')
        setState(next)
      },
    })
    const hurry = () => socket.hurry()
    window.addEventListener('online', hurry)
    socket.start()
    return () => {
      window.removeEventListener('online', hurry)
      socket.stop()
    }
  }, [client])
  return <State value={state}>{children}</State>
}
