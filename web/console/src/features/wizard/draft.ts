import type { Schemas } from '@/api/client'

export type Campaign = Schemas['Campaign']
type Change = Schemas['UpdateCampaignRequest']

/** What a person can set on a draft. Times are '' where there is none, as the API takes them. */
export const fieldNames = [
  'name',
  'channel',
  'sender',
  'skill',
  'text',
  'opt_out_text',
  'smart_encoding',
  'launch_at',
  'window',
  'rate',
  'lookback_hours',
  'expires_at',
  'policy',
  'open_conversation',
  'undo_seconds',
  'rails',
] as const
export type Field = (typeof fieldNames)[number]
export type Fields = Required<Pick<Change, Field>>

export const fieldsOf = (c: Campaign): Fields => ({
  name: c.name,
  channel: c.channel,
  sender: c.sender,
  skill: c.skill,
  text: c.text,
  opt_out_text: c.opt_out_text,
  smart_encoding: c.smart_encoding,
  launch_at: c.launch_at ?? '',
  window: c.window,
  rate: c.rate,
  lookback_hours: c.lookback_hours,
  expires_at: c.expires_at ?? '',
  policy: c.policy,
  open_conversation: c.open_conversation,
  undo_seconds: c.undo_seconds,
  rails: c.rails ?? {},
})

/** A draft in this tab: what the server has, what was typed since, and what became of saving it. */
export type Draft = {
  base: Campaign
  /** As typed. It stays after saving, because the server may tidy a value while somebody is typing on. */
  own: Partial<Fields>
  dirty: Field[]
  sending: Partial<Fields> | null
  /** What the server said against fields, by their place such as "window.mon". */
  refused: Record<string, string>
  /** Refused as they stand: not sent again until something changes. */
  blocked: Field[]
  trouble: unknown
  /** What another tab or person saved meanwhile. */
  theirs: Campaign | null
  savedAt: number | null
}

export type DraftEvent =
  | { type: 'edited'; change: Partial<Fields> }
  | { type: 'sending'; change: Partial<Fields> }
  | { type: 'saved'; campaign: Campaign; at: number }
  | { type: 'refused'; fields: Record<string, string>; trouble: unknown }
  | { type: 'failed'; trouble: unknown }
  | { type: 'loaded'; campaign: Campaign }
  | { type: 'overtaken'; theirs: Campaign }
  | { type: 'takeTheirs' }
  | { type: 'keepMine' }

export const begin = (base: Campaign): Draft => ({
  base,
  own: {},
  dirty: [],
  sending: null,
  refused: {},
  blocked: [],
  trouble: null,
  theirs: null,
  savedAt: null,
})

const canonical = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, v]) => v !== undefined)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([k, v]) => [k, canonical(v)]),
      )
    : value
const equal = (a: unknown, b: unknown): boolean => JSON.stringify(canonical(a)) === JSON.stringify(canonical(b))

const without = <T extends object>(o: T, keys: readonly string[]): T =>
  Object.fromEntries(Object.entries(o).filter(([k]) => !keys.includes(k))) as T

/** The fields in which two versions differ. */
export const differing = (a: Campaign, b: Campaign): Field[] => {
  const [was, is] = [fieldsOf(a), fieldsOf(b)]
  return fieldNames.filter((f) => !equal(was[f], is[f]))
}

/** Takes a new version of the server: values that it changed win over those that are typed and saved, not over unsaved ones. */
const rebase = (d: Draft, base: Campaign): Draft => ({
  ...d,
  base,
  own: without(
    d.own,
    differing(d.base, base).filter((f) => !d.dirty.includes(f)),
  ),
})

const belongs = (place: string, field: string): boolean => place === field || place.startsWith(`${field}.`) || place.startsWith(`${field}[`)

export function reduce(d: Draft, e: DraftEvent): Draft {
  switch (e.type) {
    case 'edited': {
      const names = Object.keys(e.change) as Field[]
      const same = d.sending ? [] : names.filter((f) => equal(e.change[f], fieldsOf(d.base)[f]))
      return {
        ...d,
        own: { ...d.own, ...e.change },
        dirty: [...new Set([...d.dirty, ...names])].filter((f) => !same.includes(f)),
        refused: without(
          d.refused,
          Object.keys(d.refused).filter((place) => names.some((f) => belongs(place, f))),
        ),
        blocked: [],
        trouble: null,
      }
    }
    case 'sending':
      return { ...d, sending: e.change, trouble: null }
    case 'saved': {
      const sent = d.sending ?? {}
      const dirty = d.dirty.filter((f) => !(f in sent) || !equal(d.own[f], sent[f]))
      const typed = Object.fromEntries(Object.keys(sent).map((f) => [f, d.own[f as Field]]))
      const next = rebase({ ...d, dirty }, e.campaign)
      return { ...next, own: { ...next.own, ...typed }, sending: null, trouble: null, savedAt: e.at }
    }
    case 'refused':
      return {
        ...d,
        sending: null,
        refused: e.fields,
        blocked: d.dirty.filter((f) => Object.keys(e.fields).some((place) => belongs(place, f))),
        trouble: e.trouble,
      }
    case 'failed':
      return { ...d, sending: null, trouble: e.trouble }
    case 'loaded':
      if (d.sending || d.theirs || Date.parse(e.campaign.updated_at) < Date.parse(d.base.updated_at)) return d
      if (d.dirty.length > 0 && differing(d.base, e.campaign).length > 0) return { ...d, theirs: e.campaign }
      return rebase(d, e.campaign)
    case 'overtaken':
      if (differing(d.base, e.theirs).length === 0) return { ...rebase(d, e.theirs), sending: null }
      return { ...d, sending: null, theirs: e.theirs }
    case 'takeTheirs':
      return d.theirs ? { ...begin(d.theirs), savedAt: d.savedAt } : d
    case 'keepMine': {
      if (!d.theirs) return d
      return { ...rebase(d, d.theirs), theirs: null, trouble: null }
    }
  }
}

/** What the inputs show. */
export const valuesOf = (d: Draft): Fields => ({ ...fieldsOf(d.base), ...d.own })

/** What the next save would send. */
export const unsaved = (d: Draft): Partial<Fields> =>
  Object.fromEntries(d.dirty.filter((f) => !d.blocked.includes(f)).map((f) => [f, d.own[f]]))

/** What the server said against a field or a part of it. */
export const refusalOf = (d: Draft, field: string): string | undefined =>
  Object.entries(d.refused).find(([place]) => belongs(place, field))?.[1]

export type Standing = 'conflict' | 'saving' | 'refused' | 'failed' | 'unsaved' | 'saved'

export function standing(d: Draft): Standing {
  if (d.theirs) return 'conflict'
  if (d.sending) return 'saving'
  if (d.blocked.length > 0) return 'refused'
  if (d.trouble) return 'failed'
  return d.dirty.length > 0 ? 'unsaved' : 'saved'
}
