import type { Schemas } from '@/api/client'

export type Window = Schemas['Window']

export const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Day = (typeof days)[number]

/** Hours of a day as inputs of a page have them: "00:00" as the end is midnight. */
export type Hours = { open: boolean; from: string; to: string }
export type Week = Record<Day, Hours>

const usual: Hours = { open: false, from: '08:00', to: '21:00' }

export function weekOf(window: Window): Week {
  const week = {} as Week
  for (const day of days) {
    const [from, to] = window[day] ?? []
    week[day] = from && to ? { open: true, from, to: to === '24:00' ? '00:00' : to } : usual
  }
  return week
}

/** The window for the API; undefined while a time is half typed. Days that are closed are left out. */
export function windowOf(week: Week, holidays: string[] | undefined): Window | undefined {
  const window: Window = {}
  for (const day of days) {
    const { open, from, to } = week[day]
    if (!open) continue
    if (!from || !to) return undefined
    window[day] = [from, to === '00:00' ? '24:00' : to]
  }
  if (holidays && holidays.length > 0) window.holidays = [...new Set(holidays)].sort()
  return window
}

/** Whether the hours go on after midnight, into the next day. */
export const overnight = ({ from, to }: Hours): boolean => to !== '00:00' && to < from

/** Whether the hours are the whole day. */
export const wholeDay = ({ from, to }: Hours): boolean => from === '00:00' && to === '00:00'

/** Gives every open day the hours of one. */
export const likeDay = (week: Week, like: Day): Week =>
  Object.fromEntries(days.map((d) => [d, week[d].open ? { ...week[like], open: true } : week[d]])) as Week

/** Neighbouring days with the same hours, to say a week in few words. */
export function runs(window: Window): { first: Day; last: Day; from: string; to: string }[] {
  const out: { first: Day; last: Day; from: string; to: string }[] = []
  let before: Day | undefined
  for (const day of days) {
    const [from, to] = window[day] ?? []
    const run = out.at(-1)
    if (from && to) {
      if (run && run.last === before && run.from === from && run.to === to) run.last = day
      else out.push({ first: day, last: day, from, to })
    }
    before = day
  }
  return out
}
