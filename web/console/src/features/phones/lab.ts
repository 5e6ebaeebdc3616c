import { useQuery } from '@tanstack/react-query'
import { hooks, type Schemas } from '@/api/client'

/** What everybody may know about the server. It does not change while it runs. */
export const serverQuery = hooks.queryOptions('get', '/v1/server', {}, { staleTime: Number.POSITIVE_INFINITY })

/** Whether a carrier lab stands in for the provider. */
export function useLab(): boolean {
  const { data } = useQuery(serverQuery)
  return data?.lab ?? false
}

/** A sender that points at this machine points at a lab: the server allows nothing else there. */
export const atLab = (s: Pick<Schemas['Sender'], 'base_url'>): boolean => /^https?:\/\/(127\.|localhost|\[::1\])/.test(s.base_url)
