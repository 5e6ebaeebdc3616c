/** Round values from nothing to the first that is not below most: 0, 50, 100, 150. Counts have no halves, so the steps are whole. */
export function niceTicks(most: number, about = 5): number[] {
  if (!(most > 0)) return [0, 1]
  const wanted = most / about
  const power = 10 ** Math.floor(Math.log10(wanted))
  const step = Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((n) => n >= wanted) ?? 10 * power)
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step)
}

/** The column under a distance from the left edge of the plot; beyond the edges it is the first or the last. */
export const columnAt = (x: number, columns: number, width: number): number =>
  Math.min(columns - 1, Math.max(0, Math.floor((x * columns) / width)))

/**
 * Where the parts of one bar begin and how high they are, in pixels from the ground up. A part that is not nothing can be seen: it is never
 * lower than least, however small its share.
 */
export function stackUp(values: number[], perUnit: number, least = 2): { from: number; height: number }[] {
  let from = 0
  return values.map((n) => {
    const part = { from, height: n > 0 ? Math.max(least, n * perUnit) : 0 }
    from += part.height
    return part
  })
}

/** Steps with which hours of a day come round to the same hours. */
const rounds = [1, 2, 3, 4, 6, 12, 24]

/** Every how many columns a label fits, so that none touches the next. */
export function labelEvery(widest: number, column: number, gap = 10): number {
  const needed = Math.max(1, Math.ceil((widest + gap) / column))
  return rounds.find((n) => n >= needed) ?? Math.ceil(needed / 24) * 24
}

/** About how wide a text of the axis is. A guess is enough to keep labels apart, and spares the page a measurement. */
export const textWidth = (text: string): number => text.length * 6.3 + 2
