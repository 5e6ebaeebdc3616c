import { hooks, type Schemas } from '@/api/client'

type Health = Schemas['SenderHealth']

/** How each sender stands right now, by its id; asked again every five seconds while somebody looks. */
export function useHealth(): { of: (sender: string) => Health | undefined; error: unknown } {
  const query = hooks.useQuery('get', '/v1/senders/health', { params: { query: { limit: 200 } } }, { refetchInterval: 5_000 })
  return { of: (id) => query.data?.items.find((h) => h.sender === id), error: query.error }
}
