import { toCSV } from '@/lib/download'

const variable = /\{\{\s*([\w.\- \u0080-\uffff]{1,64}?)\s*\}\}/g

/** The variables of a text in the order of their first appearance. */
export const variablesOf = (text: string): string[] => [...new Set([...text.matchAll(variable)].map((m) => m[1] ?? ''))].filter(Boolean)

/** A file with the columns that a text needs. A text without variables leaves room for messages of one's own. */
export function templateFor(text: string): string {
  const variables = variablesOf(text)
  return toCSV([['phone', ...(variables.length > 0 ? variables : ['message'])]])
}
