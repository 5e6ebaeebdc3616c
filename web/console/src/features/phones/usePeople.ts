import { hooks } from '@/api/client'

/** Numbers worth a phone: the first recipients of the latest campaign that this sender carries. */
export function usePeople(sender: string | undefined): string[] {
  const campaigns = hooks.useQuery('get', '/v1/campaigns', { params: { query: { limit: 20 } } }, { enabled: Boolean(sender) })
  const latest = campaigns.data?.items.find((c) => c.sender === sender && c.recipients > 0)
  const recipients = hooks.useQuery(
    'get',
    '/v1/campaigns/{campaign}/recipients',
    { params: { path: { campaign: latest?.id ?? '' }, query: { limit: 20 } } },
    { enabled: Boolean(latest), staleTime: 60_000 },
  )
  return (recipients.data?.items ?? []).map((r) => r.address)
}
