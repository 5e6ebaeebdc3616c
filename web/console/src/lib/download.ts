/** Cells that a spreadsheet would run as a formula begin with an apostrophe. Numbers stay numbers. */
const safe = (cell: string | number): string => {
  if (typeof cell === 'number') return String(cell)
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** RFC 4180, with a byte order mark so that spreadsheets read it as UTF-8. */
export const toCSV = (rows: (string | number)[][]): string => `\ufeff${rows.map((row) => row.map(safe).join(',')).join('\r\n')}\r\n`

export function saveText(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
