import './chart.css'
import { fillOf, type Look } from './look'

/** A part of a whole as a bar on its track; its numbers stand beside it. A part that is not nothing can be seen. */
export function Share({ id, look, part, whole }: { id: string; look: Look; part: number; whole: number }) {
  const share = whole > 0 ? (100 * part) / whole : 0
  return (
    <svg width="100%" height={14} className="chart-share" aria-hidden>
      <rect width="100%" height={14} rx={3} className="chart-track" />
      {part > 0 && <rect width={`${Math.max(share, 1)}%`} height={14} rx={3} {...fillOf(id, look)} />}
    </svg>
  )
}
