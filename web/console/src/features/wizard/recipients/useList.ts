import type { QueryClient } from '@tanstack/react-query'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { hooks, type Schemas } from '@/api/client'

export type Import = Schemas['Import']

const ofCampaign = (key: readonly unknown[], campaign: string): string | undefined => {
  const [, path, init] = key as [string, string, { params?: { path?: Record<string, string> } } | undefined]
  return init?.params?.path?.campaign === campaign ? path : undefined
}

/** After a change of the list, what the page shows of it is asked for again; a long list starts at its beginning. */
export async function freshList(client: QueryClient, campaign: string): Promise<void> {
  await Promise.all([
    client.resetQueries({ predicate: (q) => ofCampaign(q.queryKey, campaign) === '/v1/campaigns/{campaign}/recipients' }),
    client.invalidateQueries({
      predicate: (q) => {
        const path = ofCampaign(q.queryKey, campaign)
        return path !== undefined && path !== '/v1/campaigns/{campaign}/recipients'
      },
    }),
  ])
}

const busy = (im: Import): boolean => im.state === 'loading' || im.state === 'removing'

/** How often to look at a list that is loading. */
const pulse = 1_000

/** The uploads of a campaign and their sums; while one is loading they are asked for every second. */
export function useImports(campaign: string, uploading: boolean) {
  const client = useQueryClient()
  const query = hooks.useQuery(
    'get',
    '/v1/campaigns/{campaign}/imports',
    { params: { path: { campaign } } },
    { refetchInterval: (q) => (uploading || q.state.data?.items.some(busy) ? pulse : false) },
  )
  const imports = query.data?.items ?? []
  const loading = imports.find((im) => im.state === 'loading')
  const removing = imports.some((im) => im.state === 'removing')
  const settled = query.data !== undefined && !loading && !removing
  const sums = sumsOf(imports)
  // A list that another tab has loaded, or that a new text has sorted anew, is looked at again.
  const now = query.data && (settled ? `${sums.files}.${sums.valid}.${sums.rejected}` : 'moving')
  const was = useRef(now)
  useEffect(() => {
    if (settled && was.current && was.current !== now) void freshList(client, campaign)
    was.current = now
  }, [settled, now, client, campaign])
  return { query, loading, removing, last: imports[0], sums }
}

export type Sums = {
  rows: number
  valid: number
  rejected: number
  duplicates: number
  optedOut: number
  segments: number
  files: number
  worst?: { row: number; segments: number }
}

export function sumsOf(imports: Import[]): Sums {
  const done = imports.filter((im) => im.state === 'done')
  const sum = (of: (im: Import) => number) => done.reduce((n, im) => n + of(im), 0)
  const worst = done.reduce<Import | undefined>((w, im) => ((im.worst_segments ?? 0) > (w?.worst_segments ?? 0) ? im : w), undefined)
  return {
    rows: sum((im) => im.rows),
    valid: sum((im) => im.valid),
    rejected: sum((im) => im.rejected),
    duplicates: sum((im) => im.duplicates),
    optedOut: sum((im) => im.opted_out),
    segments: sum((im) => im.segments),
    files: done.length,
    ...(worst?.worst_row ? { worst: { row: worst.worst_row, segments: worst.worst_segments ?? 0 } } : {}),
  }
}
