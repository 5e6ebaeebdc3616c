import { useQueryClient } from '@tanstack/react-query'
import { api, hooks, type Schemas } from '@/api/client'

export type Campaign = Schemas['Campaign']

/** While it runs, figures are asked for again even if no hint arrives: a lost connection must not freeze them. */
const pulse = 5_000

const moving = (state: string | undefined): boolean => state === 'running' || state === 'scheduled'

export function useCampaign(campaign: string) {
  const params = { path: { campaign } }
  const about = hooks.useQuery(
    'get',
    '/v1/campaigns/{campaign}',
    { params },
    { refetchInterval: (q) => (moving(q.state.data?.state) ? pulse : false) },
  )
  const progress = hooks.useQuery(
    'get',
    '/v1/campaigns/{campaign}/progress',
    { params },
    {
      refetchInterval: (q) => (moving(q.state.data?.state) ? pulse : false),
      enabled: about.data !== undefined && about.data.state !== 'draft',
    },
  )
  return { about, progress }
}

/** What a person may do to a campaign; each answer is put where the page reads it. */
export function useCampaignActions(campaign: string) {
  const client = useQueryClient()
  const path = { campaign }
  const fresh = () =>
    client.invalidateQueries({ predicate: (q) => String(q.queryKey[1]).startsWith('/v1/campaigns') || q.queryKey[1] === '/v1/figures' })
  const then = async <T>(answer: Promise<{ data?: T }>): Promise<T | undefined> => {
    const { data } = await answer
    await fresh()
    return data
  }
  return {
    pause: (reason: string) => then(api.POST('/v1/campaigns/{campaign}/pause', { params: { path }, body: { reason } })),
    resume: () => then(api.POST('/v1/campaigns/{campaign}/resume', { params: { path } })),
    cancel: (reason: string) => then(api.POST('/v1/campaigns/{campaign}/cancel', { params: { path }, body: { reason } })),
    undo: () => then(api.POST('/v1/campaigns/{campaign}/undo', { params: { path } })),
    retry: (all: boolean) => then(api.POST('/v1/campaigns/{campaign}/retry-failed', { params: { path }, body: { all } })),
    archive: (archived: boolean) => then(api.POST('/v1/campaigns/{campaign}/archive', { params: { path }, body: { archived } })),
    duplicate: (withRecipients: boolean) =>
      then(api.POST('/v1/campaigns/{campaign}/duplicate', { params: { path }, body: { with_recipients: withRecipients } })),
    remove: () => then(api.DELETE('/v1/campaigns/{campaign}', { params: { path } })),
  }
}
