import type { Layout } from './layout'
import { type Look, Swatch } from './look'
import { middle } from './shapes'

export type TipRow = Look & { key: string; name: string; value: string }

const wide = 190

/** The numbers of one column, on the side of it where there is more room. It takes no clicks and covers no axis. */
export function Tip({
  id,
  title,
  rows,
  layout,
  at,
  columns,
}: {
  id: string
  title: string
  rows: TipRow[]
  layout: Layout
  at: number
  columns: number
}) {
  const { room, width } = layout
  const x = middle(at, columns, room)
  const beside = x > room.left + room.width / 2 ? x - wide - 14 : x + 14
  return (
    <foreignObject x={Math.max(0, Math.min(beside, width - wide))} y={room.top} width={wide} height={room.height} className="chart-tip">
      <div className="chart-tip-card">
        <strong>{title}</strong>
        {rows.map((row) => (
          <div key={row.key} className="chart-tip-row">
            <Swatch id={id} look={row} />
            <span>{row.name}</span>
            <span className="number">{row.value}</span>
          </div>
        ))}
      </div>
    </foreignObject>
  )
}
