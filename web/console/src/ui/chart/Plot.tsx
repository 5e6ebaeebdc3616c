import { Axes, type Tick } from './Axes'
import type { Layout, Values } from './layout'
import { fillOf, type Look, Patterns } from './look'
import { barPaths, heightOf, linePath, middle } from './shapes'
import { Tip, type TipRow } from './Tip'

type Props = {
  id: string
  layout: Layout
  values: Values
  bars: (Look & { key: string })[]
  lines: (Look & { key: string })[]
  ticks: Tick[]
  /** The column that is looked at, with what it says. */
  active?: { at: number; title: string; rows: TipRow[] }
}

/** The drawing. Screen readers get the numbers from the slider and the table, so all of it is hidden from them. */
export function Plot({ id, layout, values, bars, lines, ticks, active }: Props) {
  const { room, most, width, height } = layout
  const columns = ticks.length
  const paths = barPaths({ values: values.bars, most, room, stacked: values.stacked })
  return (
    <svg width={width} height={height} aria-hidden>
      <Patterns id={id} />
      {active && (
        <rect
          x={room.left + (room.width / columns) * active.at}
          y={room.top}
          width={room.width / columns}
          height={room.height}
          className="chart-active"
        />
      )}
      <Axes layout={layout} ticks={ticks} />
      {bars.map((bar, i) => (
        <path key={bar.key} data-series={bar.key} d={paths[i]} {...fillOf(id, bar)} />
      ))}
      {lines.map((line, i) => {
        const points = values.lines[i] ?? []
        const dots = active ? [active.at] : points.length === 1 ? [0] : [] // a line through one point is not seen
        return (
          <g key={line.key}>
            <path d={linePath(points, most, room)} className="chart-line-edge" />
            <path data-series={line.key} d={linePath(points, most, room)} className={`chart-line chart-line-${line.color}`} />
            {dots.map((at) => (
              <circle
                key={at}
                cx={middle(at, columns, room)}
                cy={heightOf(points[at] ?? 0, most, room)}
                r={4}
                className={`chart-${line.color}`}
              />
            ))}
          </g>
        )
      })}
      {active && <Tip id={id} layout={layout} columns={columns} {...active} />}
    </svg>
  )
}
