/** The most lines that can be typed; more come as a file. */
export const mostLines = 100

export const linesOf = (text: string): string[] => text.split(/\r\n|\r|\n/)

export const filledLines = (text: string): number => linesOf(text).filter((line) => line.trim()).length

/** The lines with these numbers, and the others, as texts; numbers begin at 1 and count empty lines. */
export function partLines(text: string, chosen: number[]): { chosen: string; rest: string } {
  const wanted = new Set(chosen)
  const lines = linesOf(text)
  return {
    chosen: lines.filter((_, i) => wanted.has(i + 1)).join('\n'),
    rest: lines.filter((line, i) => !wanted.has(i + 1) && line.trim()).join('\n'),
  }
}
