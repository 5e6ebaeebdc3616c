import { short } from '@/lib/format'
import { niceTicks, textWidth } from './scale'
import type { Room } from './shapes'

export type Values = { bars: number[][]; lines: number[][]; stacked: boolean }

export type Layout = { ticks: number[]; most: number; room: Room; width: number; height: number }

/** Where everything of a picture goes: the axis on the left is as wide as its largest number, the one below has one line or two. */
export function layoutOf(values: Values, width: number, height: number, linesBelow: number): Layout {
  const ticks = niceTicks(highest(values))
  const left = Math.ceil(Math.max(...ticks.map((n) => textWidth(short(n))))) + 6
  const top = 8
  const room = { left, top, width: Math.max(1, width - left - 4), height: height - top - 6 - linesBelow * 16 }
  return { ticks, most: ticks.at(-1) ?? 1, room, width, height }
}

/** The highest point that is drawn. */
function highest({ bars, lines, stacked }: Values): number {
  const columns = bars[0]?.length ?? 0
  const sums = Array.from({ length: stacked ? columns : 0 }, (_, i) => bars.reduce((sum, row) => sum + (row[i] ?? 0), 0))
  return Math.max(0, ...sums, ...bars.flat(), ...lines.flat())
}
