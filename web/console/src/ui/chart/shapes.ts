import { stackUp } from './scale'

/** The room for bars and lines inside the picture, in pixels. */
export type Room = { left: number; top: number; width: number; height: number }

/** Bars never grow wider, however few there are. */
const widest = 28

type Bars = { values: number[][]; most: number; room: Room; stacked: boolean }

/**
 * One path for each row of values, with a bar in every column: on top of each other, or side by side. A path instead of a shape for each bar,
 * so that a year of days is drawn as fast as a day.
 */
export function barPaths({ values, most, room, stacked }: Bars): string[] {
  const paths = values.map(() => '')
  const columns = values[0]?.length ?? 0
  const column = room.width / columns
  const places = stacked ? 1 : values.length
  const bar = Math.max(1, Math.min(widest, (column * 0.8) / places))
  const ground = room.top + room.height
  for (let i = 0; i < columns; i++) {
    const parts = values.map((row) => row[i] ?? 0)
    const heights = stacked ? stackUp(parts, room.height / most) : parts.flatMap((n) => stackUp([n], room.height / most))
    const first = room.left + column * (i + 0.5) - (bar * places) / 2
    for (const [row, { from, height }] of heights.entries()) {
      if (height === 0) continue
      // A line of background keeps parts apart whose colours are near each other.
      const gap = from > 0 && height > 3 ? 1 : 0
      const beside = !stacked && bar > 4 ? 1 : 0
      const x = round(first + (stacked ? 0 : row * bar))
      paths[row] =
        `${paths[row]}M${x} ${round(ground - from - height)}h${round(bar - beside)}v${round(height - gap)}h${round(beside - bar)}z`
    }
  }
  return paths
}

/** A line through the middle of the columns. */
export function linePath(values: number[], most: number, room: Room): string {
  return values.map((n, i) => `${i === 0 ? 'M' : 'L'}${middle(i, values.length, room)} ${heightOf(n, most, room)}`).join('')
}

export const middle = (i: number, columns: number, room: Room): number => round(room.left + (room.width / columns) * (i + 0.5))

export const heightOf = (n: number, most: number, room: Room): number => round(room.top + room.height * (1 - n / most))

const round = (n: number): number => Math.round(n * 10) / 10
