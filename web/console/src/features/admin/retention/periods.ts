import type { Schemas } from '@/api/client'

export type Class = Schemas['RetentionClass']['class']
export const classes: Class[] = ['messages', 'conversations', 'uploads', 'audit']

/** Days by class; 0: for ever. */
export type Periods = Record<Class, number>

export const periodsOf = (r: Schemas['Retention']): Periods =>
  Object.fromEntries(classes.map((c) => [c, r.classes.find((x) => x.class === c)?.days ?? 0])) as Periods

/** As the API names them. */
export const wire = (p: Periods) => ({
  messages_days: p.messages,
  conversations_days: p.conversations,
  uploads_days: p.uploads,
  audit_days: p.audit,
})

const offered = [7, 30, 35, 60, 90, 180, 366, 396, 731, 1096, 1827, 2557, 3653]

/** What can be chosen, for ever first, and what was chosen by other means. */
export const choices = (minimum: number, now: number): number[] => [
  0,
  ...new Set([...offered.filter((d) => d >= minimum), ...(now > 0 ? [now] : [])].sort((a, b) => a - b)),
]

/** Whether a period deletes what the one before kept. */
export const shorter = (was: number, now: number): boolean => now > 0 && (was === 0 || now < was)

/** The classes that lose something at once when the periods are saved. */
export const losses = (was: Periods, now: Periods, preview: Schemas['RetentionPreview'][]): Schemas['RetentionPreview'][] =>
  preview.filter((p) => p.items > 0 && shorter(was[p.class], now[p.class]))
