import { clock, date, dayMonth } from '@/lib/format'
import type { Tick } from '@/ui/chart/Axes'

/** Names for the hours of a chart: the clock, with the day where a new one begins. Unique, because the rows of its table take them for keys. */
export function hourLabels(starts: string[], zone?: string): string[] {
  let day = ''
  const seen = new Map<string, number>()
  return starts.map((start) => {
    const today = date(start, zone)
    const label = today === day ? clock(start, zone) : `${today} ${clock(start, zone)}`
    day = today
    const n = (seen.get(label) ?? 0) + 1 // the hour that the end of summer time repeats
    seen.set(label, n)
    return n > 1 ? `${label} (${n})` : label
  })
}

/** What stands below the hours of a chart: the clock, and under it the day where a new one begins. */
export function hourTicks(starts: string[], zone?: string): Tick[] {
  let day = ''
  return starts.map((start) => {
    const today = dayMonth(start, zone)
    const begins = today !== day
    day = today
    return { text: clock(start, zone), ...(begins ? { under: today } : {}) }
  })
}
