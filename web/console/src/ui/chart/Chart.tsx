import './chart.css'
import { type PointerEvent, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { count } from '@/lib/format'
import type { Datum, Series } from '../ChartFrame'
import type { Tick } from './Axes'
import { layoutOf } from './layout'
import { type Look, Swatch } from './look'
import { Plot } from './Plot'
import { columnAt } from './scale'
import { useWidth } from './useWidth'

export type Row = Series & Look

type Props = {
  title: string
  series: Row[]
  data: Datum[]
  /** What stands below each column. */
  ticks: Tick[]
  /** Bars on top of each other, because together they are a whole. */
  stacked?: boolean
}

/** chart.css reserves the same before there is anything to draw. */
const height = 300

/**
 * Columns of bars and lines. What a column says is shown under the pointer and, with the keyboard, by a slider that walks from column to
 * column and tells screen readers what it stands on. Nothing moves by itself.
 */
export function Chart({ title, series, data, ticks, stacked = false }: Props) {
  const { t } = useTranslation('frame')
  const id = useId()
  const [ref, width] = useWidth<HTMLDivElement>()
  const [pointed, setPointed] = useState<number>()
  const [walked, setWalked] = useState(0)
  const [walking, setWalking] = useState(false)
  const columns = data.length
  const number = (i: number, key: string) => Number(data[i]?.[key] ?? 0)
  const valuesOf = (rows: Row[]) => rows.map((row) => data.map((_, i) => number(i, row.key)))
  const lines = series.filter((s) => s.line)
  const bars = series.filter((s) => !s.line)
  const values = { bars: valuesOf(bars), lines: valuesOf(lines), stacked }
  const layout = layoutOf(values, width || 600, height, ticks.some((tick) => tick.under) ? 2 : 1)
  const last = Math.max(0, columns - 1)
  const stand = Math.min(walked, last)
  const at = pointed !== undefined ? Math.min(pointed, last) : walking ? stand : undefined
  const says = (i: number) => ({
    at: i,
    title: data[i]?.label ?? '',
    rows: series.map((s) => ({ ...s, value: count(number(i, s.key)) })),
  })
  const words = (i: number) =>
    `${says(i).title}: ${says(i)
      .rows.map((row) => `${row.name} ${row.value}`)
      .join(', ')}`
  const under = (e: PointerEvent<HTMLDivElement>) =>
    columnAt(e.clientX - e.currentTarget.getBoundingClientRect().left - layout.room.left, columns, layout.room.width)
  return (
    <div>
      <ul className="chart-legend">
        {series.map((s) => (
          <li key={s.key}>
            <Swatch id={id} look={s} />
            {s.name}
          </li>
        ))}
      </ul>
      <div
        ref={ref}
        className="chart-plot"
        onPointerMove={(e) => e.pointerType !== 'touch' && setPointed(under(e))}
        onPointerLeave={(e) => e.pointerType !== 'touch' && setPointed(undefined)}
        // A finger has no way to leave: the same column again puts its numbers away.
        onPointerUp={(e) => e.pointerType === 'touch' && setPointed(under(e) === pointed ? undefined : under(e))}
      >
        <Plot {...{ id, layout, values, bars, lines, ticks }} {...(at !== undefined && columns > 0 ? { active: says(at) } : {})} />
        {columns > 0 && (
          <input
            type="range"
            className="chart-walk"
            min={0}
            max={last}
            value={stand}
            aria-label={t('chart.walk', { title })}
            aria-valuetext={words(stand)}
            onChange={(e) => {
              setPointed(undefined)
              setWalking(true)
              setWalked(Number(e.currentTarget.value))
            }}
            onFocus={() => setWalking(true)}
            onBlur={() => setWalking(false)}
            onKeyDown={(e) => e.key === 'Escape' && setWalking(false)}
          />
        )}
      </div>
    </div>
  )
}
