/** How a row of values is told from the others: by a colour of the theme and, where colours are near each other, by a pattern or a line. */
export type Look = { color: 1 | 2 | 3 | 4; pattern?: 'stripes' | 'dots'; line?: boolean }

const drawn = [1, 2, 3, 4] as const

/** The patterns of a picture, to be referred to as fillOf says. Ids belong to the document, so each picture brings its own. */
export function Patterns({ id }: { id: string }) {
  return (
    <defs>
      {drawn.map((color) => (
        <g key={color}>
          <pattern id={`${id}-${color}-stripes`} width={7} height={7} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width={7} height={7} className={`chart-${color}`} />
            <rect width={3} height={7} className="chart-ground" />
          </pattern>
          <pattern id={`${id}-${color}-dots`} width={7} height={7} patternUnits="userSpaceOnUse">
            <rect width={7} height={7} className={`chart-${color}`} />
            <circle cx={3.5} cy={3.5} r={1.3} className="chart-ground" />
          </pattern>
        </g>
      ))}
    </defs>
  )
}

/** What a shape is filled with: its class, or a pattern in place of it. */
export const fillOf = (id: string, { color, pattern }: Look): { className: string } | { fill: string } =>
  pattern ? { fill: `url(#${id}-${color}-${pattern})` } : { className: `chart-${color}` }

/** The sign of a row of values beside its name. */
export function Swatch({ id, look }: { id: string; look: Look }) {
  return (
    <svg width={14} height={14} className="chart-swatch" aria-hidden>
      {look.line ? (
        <path d="M0 7h14" className={`chart-line chart-line-${look.color}`} />
      ) : (
        <rect width={14} height={14} rx={2} {...fillOf(id, look)} />
      )}
    </svg>
  )
}
