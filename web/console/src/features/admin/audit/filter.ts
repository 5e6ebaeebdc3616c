import * as z from 'zod/mini'

const text = z.catch(z.optional(z.coerce.string()), undefined)
const day = z.catch(z.optional(z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/))), undefined)

export const AuditSearch = z.object({ action: text, actor: text, subject: text, from: day, to: day })
export type AuditFilter = z.infer<typeof AuditSearch>

/** Midnight of a day in the browser's zone, days later. */
function midnight(date: string, later = 0): string {
  const [y = 0, m = 1, d = 1] = date.split('-').map(Number)
  return new Date(y, m - 1, d + later).toISOString()
}

/** What people choose as what the API takes: both days count whole. */
export function auditQuery({ action, actor, subject, from, to }: AuditFilter) {
  return {
    action: action || undefined,
    actor: actor || undefined,
    subject: subject || undefined,
    from: from ? midnight(from) : undefined,
    until: to ? midnight(to, 1) : undefined,
  }
}

/** The same filter as the address of the download. */
export function auditFile(filter: AuditFilter): string {
  const query = new URLSearchParams(Object.entries(auditQuery(filter)).filter((e): e is [string, string] => e[1] !== undefined))
  return query.size ? `/v1/audit.csv?${query}` : '/v1/audit.csv'
}
