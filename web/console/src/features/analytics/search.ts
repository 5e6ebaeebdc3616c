import * as z from 'zod/mini'

export const ranges = [
  'today',
  'yesterday',
  'this_week',
  'this_month',
  'last_7_days',
  'last_30_days',
  'last_60_days',
  'last_90_days',
  'year_to_date',
  'custom',
] as const
export const channels = ['sms', 'whatsapp', 'in_app', 'web'] as const

const day = z.catch(z.optional(z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/))), undefined)
const some = z.catch(z.optional(z.array(z.string())), undefined)

const Search = z.object({
  range: z.catch(z._default(z.enum(ranges), 'last_30_days'), 'last_30_days'),
  from: day,
  to: day,
  zone: z.catch(z.optional(z.string()), undefined),
  skill: some,
  channel: z.catch(z.optional(z.array(z.enum(channels))), undefined),
  sender: some,
  campaign: some,
  compare: z.catch(z._default(z.boolean(), true), true),
})
/** Everything that selects what the page shows: it lives in the address. */
export type Selection = z.infer<typeof Search>

const iso = (at: Date): string => at.toISOString().slice(0, 10)

/** A custom range without days is the last week, so that there is always something to ask for. */
export function selectionOf(search: unknown, now: Date = new Date()): Selection {
  const s = Search.parse(search)
  if (s.range !== 'custom') return { ...s, from: undefined, to: undefined }
  const to = s.to ?? iso(now)
  const from = s.from ?? iso(new Date(new Date(to).getTime() - 6 * 86_400_000))
  return { ...s, from: from > to ? to : from, to }
}

/** The same as parameters of GET /v1/analytics. */
export const queryOf = (s: Selection) => ({
  ...s,
  from: s.range === 'custom' ? s.from : undefined,
  to: s.range === 'custom' ? s.to : undefined,
})
