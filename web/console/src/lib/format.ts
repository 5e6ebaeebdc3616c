// All formatting goes through Intl, in the language of the page.
const locale = (): string => document.documentElement.lang || 'en'

/** Making a formatter takes longer than a hundred uses of it, and a list needs several in every row: each is made once. */
const numbers = keep((locale, options?: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, options))
const times = keep((locale, options?: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options))

function keep<O, F>(make: (locale: string, options?: O) => F): (options?: O) => F {
  const made = new Map<string, F>()
  return (options) => {
    const key = locale() + (options ? JSON.stringify(options) : '')
    let format = made.get(key)
    if (format === undefined) {
      format = make(locale(), options)
      made.set(key, format)
    }
    return format
  }
}

const inZone = (zone?: string): { timeZone?: string } => (zone ? { timeZone: zone } : {})

export const count = (n: number): string => numbers().format(n)

/** A number where there is little room, such as on an axis: "1,500", "20K", "1.5M". */
export const short = (n: number): string => (n < 10_000 ? count(n) : numbers({ notation: 'compact', maximumFractionDigits: 1 }).format(n))

export const decimal = (n: number, digits = 1): string => numbers({ maximumFractionDigits: digits }).format(n)

/** A share of the whole as percent; a dash when there is nothing to take a share of. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '—'
  return numbers({ style: 'percent', maximumFractionDigits: 1 }).format(part / whole)
}

export function dateTime(at: string | Date | undefined, zone?: string): string {
  if (!at) return '—'
  return times({ dateStyle: 'medium', timeStyle: 'short', ...inZone(zone) }).format(new Date(at))
}

/** From one moment to another, with what both share said once: "Nov 21, 2026, 8:51 – 11:51 AM". */
export function dateTimeRange(from: string | undefined, to: string | undefined): string {
  if (!from || !to) return '—'
  return times({ dateStyle: 'medium', timeStyle: 'short' }).formatRange(new Date(from), new Date(to))
}

export function date(at: string | Date | undefined, zone?: string): string {
  if (!at) return '—'
  return times({ dateStyle: 'medium', ...inZone(zone) }).format(new Date(at))
}

/** A day where its year is plain: "Nov 21". */
export const dayMonth = (at: string | Date, zone?: string): string =>
  times({ month: 'short', day: 'numeric', ...inZone(zone) }).format(new Date(at))

export function clock(at: string | Date | undefined, zone?: string): string {
  if (!at) return '—'
  return times({ timeStyle: 'short', ...inZone(zone) }).format(new Date(at))
}

/** A moment of the coming days as it stands on a button: "Tue, Dec 1, 09:00 AM". */
export const weekdayTime = (at: string | Date): string =>
  times({ weekday: 'short', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' }).format(new Date(at))

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

/** "in 5 minutes", "2 days ago". */
export function ago(at: string | Date, now: Date = new Date()): string {
  const seconds = Math.round((new Date(at).getTime() - now.getTime()) / 1000)
  const [unit, size] = steps.find(([, s]) => Math.abs(seconds) >= s) ?? ['second', 1]
  return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(Math.round(seconds / size), unit)
}

/** A span in words: "2 h 5 min". */
export function span(seconds: number): string {
  const unit = (n: number, u: string) => numbers({ style: 'unit', unit: u, unitDisplay: 'short' }).format(n)
  const s = Math.max(0, Math.round(seconds))
  if (s < 60) return unit(s, 'second')
  const all = Math.round(s / 60)
  if (all < 60) return unit(all, 'minute')
  const hours = Math.floor(all / 60)
  if (hours >= 48) return unit(Math.round(hours / 24), 'day')
  const minutes = all % 60
  return minutes ? `${unit(hours, 'hour')} ${unit(minutes, 'minute')}` : unit(hours, 'hour')
}

/** Prices of a segment have four digits behind the point, sums two. */
export function money(amount: number, currency: string): string {
  const digits = Math.abs(amount) < 1 ? 4 : 2
  return numbers({ style: 'currency', currency, maximumFractionDigits: digits, minimumFractionDigits: 2 }).format(amount)
}

/** Millionths of a currency unit, as the API counts money. */
export const micros = (n: number, currency: string): string => money(n / 1_000_000, currency)

/** The zone the browser is in, as people know it. */
export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** "3.4 MB", in steps of a thousand as file managers show it. */
export function bytes(n: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, n)) / 3)))
  return numbers({
    style: 'unit',
    unit: units[step],
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: 1,
  }).format(n / 1000 ** step)
}
