import { hooks, type Schemas } from '@/api/client'

type Import = Schemas['Import']

/** What the uploads of a list say together: columns that a text can use, and the row with the longest text. */
export function summarize(imports: Import[]) {
  const done = imports.filter((i) => i.state === 'done')
  let worst: { row: number; segments: number } | undefined
  for (const i of done) {
    if (i.worst_segments && i.worst_row && i.worst_segments > (worst?.segments ?? 0))
      worst = { row: i.worst_row, segments: i.worst_segments }
  }
  return {
    variables: [...new Set(done.flatMap((i) => i.variables))].filter(Boolean),
    segments: done.reduce((n, i) => n + i.segments, 0),
    worst,
  }
}

export function useList(campaign: string) {
  const { data } = hooks.useQuery('get', '/v1/campaigns/{campaign}/imports', { params: { path: { campaign } } })
  return summarize(data?.items ?? [])
}

/** Variables that no column of the list fills. Names are compared as the server does it: as they stand or in lower case; numbers count columns. */
export const unknownTo = (columns: string[], variables: string[]): string[] =>
  columns.length === 0
    ? []
    : variables.filter((v) => {
        const position = /^\d+$/.test(v) ? Number(v) : 0
        return !columns.some((c) => c === v || c.toLowerCase() === v.toLowerCase()) && !(position >= 1 && position <= columns.length)
      })
