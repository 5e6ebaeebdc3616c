import { short } from '@/lib/format'
import type { Layout } from './layout'
import { labelEvery, textWidth } from './scale'
import { heightOf, middle } from './shapes'

/** What stands below a column; under it, in a second line, what begins here, such as a new day. */
export type Tick = { text: string; under?: string }

/** Lines with their numbers on the left, and below the columns as many labels as fit. */
export function Axes({ layout, ticks }: { layout: Layout; ticks: Tick[] }) {
  const { room, most } = layout
  const ground = room.top + room.height
  const column = room.width / ticks.length
  const every = labelEvery(Math.max(0, ...ticks.map((tick) => textWidth(tick.text))), column)
  return (
    <g className="chart-axis">
      {layout.ticks.map((n) => (
        <g key={n}>
          <path d={`M${room.left} ${heightOf(n, most, room)}h${room.width}`} className="chart-grid" />
          <text x={room.left - 6} y={heightOf(n, most, room)} dy="0.35em" textAnchor="end">
            {short(n)}
          </text>
        </g>
      ))}
      {ticks.map(({ text }, i) =>
        i % every === 0 ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place
          <text key={i} x={within(middle(i, ticks.length, room), textWidth(text), layout.width)} y={ground + 16} textAnchor="middle">
            {text}
          </text>
        ) : null,
      )}
      {begins(ticks, layout).map(({ text, at, edge }) => (
        <g key={edge}>
          {edge > room.left && <path d={`M${edge} ${room.top}v${room.height + 4}`} className="chart-grid" />}
          <text x={at} y={ground + 32}>
            {text}
          </text>
        </g>
      ))}
    </g>
  )
}

/** The second line: each text begins at the left edge of its column; one that would run into the one before is left out. */
function begins(ticks: Tick[], { room, width }: Layout): { text: string; at: number; edge: number }[] {
  const shown: { text: string; at: number; edge: number }[] = []
  let free = Number.NEGATIVE_INFINITY
  for (const [i, { under }] of ticks.entries()) {
    if (!under) continue
    const edge = Math.round(room.left + (room.width / ticks.length) * i)
    const at = Math.min(edge, width - textWidth(under))
    if (at < free) continue
    shown.push({ text: under, at, edge })
    free = at + textWidth(under) + 10
  }
  return shown
}

/** Half of a label may stand beyond the columns, but none of it beyond the picture. */
const within = (x: number, wide: number, width: number): number => Math.min(Math.max(x, wide / 2), width - wide / 2)
