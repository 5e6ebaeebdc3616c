/** Cuts a text where variables stand as they are written, and says which of them lack a value. */
export function cutVariables(text: string, missing: readonly string[]): { text: string; variable: boolean; missing: boolean }[] {
  const parts: { text: string; variable: boolean; missing: boolean }[] = []
  let from = 0
  for (const match of text.matchAll(/\{\{([^{}]*)\}\}/g)) {
    if (match.index > from) parts.push({ text: text.slice(from, match.index), variable: false, missing: false })
    parts.push({ text: match[0], variable: true, missing: missing.includes((match[1] ?? '').trim()) })
    from = match.index + match[0].length
  }
  if (from < text.length) parts.push({ text: text.slice(from), variable: false, missing: false })
  return parts
}

/** A character of a text, counted as the server counts (one for each code point), with some of what stands around it. */
export function around(text: string, at: number, radius = 14): { before: string; character: string; after: string } {
  const characters = [...text]
  return {
    before: (at > radius ? '…' : '') + characters.slice(Math.max(0, at - radius), at).join(''),
    character: characters[at] ?? '',
    after: characters.slice(at + 1, at + 1 + radius).join('') + (at + 1 + radius < characters.length ? '…' : ''),
  }
}

/** Puts a piece where the cursor is, or in place of what is selected; gives the text and where the cursor goes. */
export function insert(text: string, piece: string, from: number, to: number): { text: string; cursor: number } {
  return { text: text.slice(0, from) + piece + text.slice(to), cursor: from + piece.length }
}
