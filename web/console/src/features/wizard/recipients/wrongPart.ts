export type Part = { text: string; wrong: boolean }

const whole = (text: string): Part[] => (text ? [{ text, wrong: true }] : [])

/** Splits text into right and wrong parts by a pattern of what is wrong; without a match all of it is. */
function split(text: string, pattern: RegExp): Part[] {
  const parts: Part[] = []
  let at = 0
  for (const match of text.matchAll(pattern)) {
    if (!match[0]) continue
    if (match.index > at) parts.push({ text: text.slice(at, match.index), wrong: false })
    parts.push({ text: match[0], wrong: true })
    at = match.index + match[0].length
  }
  if (at === 0) return whole(text)
  if (at < text.length) parts.push({ text: text.slice(at), wrong: false })
  return parts
}

/** What cannot stand in a number: everything but digits, spaces, brackets, dots, slashes and dashes, and a plus that is not the first. */
const noNumber = /[^\d\s()./+\-\u00a0\u2010-\u2013]+|(?<=.)\+/g
const longest = 15

function ofNumber(text: string): Part[] {
  if (noNumber.test(text)) {
    noNumber.lastIndex = 0
    return split(text, noNumber)
  }
  let digits = 0
  for (let i = 0; i < text.length; i++) {
    if (/\d/.test(text[i] ?? '') && ++digits > longest) return [{ text: text.slice(0, i), wrong: false }, ...whole(text.slice(i))]
  }
  return whole(text)
}

/** Characters as people can see them: controls and what could not be decoded have pictures. */
const seen = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  text.replace(/[\u0000-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0))).replace(/\u007f/g, '\u2421')

/** The value of a wrong cell, split so that the wrong part can be shown. */
export function wrongParts(code: string, value: string): Part[] {
  switch (code) {
    case 'invalid_number':
      return ofNumber(value)
    case 'no_country_code':
      return /^0/.test(value) ? split(value, /^0+/g) : whole(value)
    case 'bad_text':
      return split(seen(value), /[\u2400-\u2421\u0080-\u009f\ufffd]+/g)
    case 'bad_quoting':
      return split(value, /"/g)
    default:
      return whole(value)
  }
}

type Row = { code: string; at: number; cells: string[]; raw: string }

/** The wrong part of a row: of its wrong cell, of the cells that are too many, or of the line as it came. */
export function partsOf(row: Row): Part[] {
  if (row.code === 'too_many_columns' && row.at >= 0) {
    const kept = row.cells.slice(0, row.at).join(' | ')
    return [{ text: `${kept} | `, wrong: false }, ...whole(row.cells.slice(row.at).join(' | '))]
  }
  if (row.code === 'too_long' && row.at < 0 && row.cells.length > 0) {
    return whole(row.cells.reduce((a, b) => (b.length > a.length ? b : a)))
  }
  const value = row.at >= 0 ? (row.cells[row.at] ?? '') : row.raw
  return wrongParts(row.code, value)
}

/** The first characters of a long value; what is cut off is an ellipsis. */
export function clipped(parts: Part[], most: number): Part[] {
  const out: Part[] = []
  let left = most
  for (const part of parts) {
    if (part.text.length > left) return [...out, { ...part, text: `${part.text.slice(0, left)}…` }]
    left -= part.text.length
    out.push(part)
  }
  return out
}
