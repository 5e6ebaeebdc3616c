import { clock, date } from '@/lib/format'

/** Labels for the hours of a chart: the clock, with the day where a new one begins. Unique, because charts take them for keys. */
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
