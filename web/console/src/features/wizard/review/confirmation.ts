/** Above so many recipients the number has to be typed: what goes to many is worth a look at how many. */
export const typedAbove = 1_000

export const mustType = (recipients: number): boolean => recipients > typedAbove

/** Whether the number was typed, with or without separators of any language. */
export const isNumber = (typed: string, recipients: number): boolean => typed.replace(/[\s.,'’\u00a0\u202f]/g, '') === String(recipients)

type State = { ready: boolean; saved: boolean; consent: boolean; recipients: number; typed: string }

export type Barrier = 'unsaved' | 'checklist' | 'consent' | 'number'

/** What still stands between the person and the launch, the first thing first. */
export function barriers({ ready, saved, consent, recipients, typed }: State): Barrier[] {
  const out: Barrier[] = []
  if (!saved) out.push('unsaved')
  if (!ready) out.push('checklist')
  if (!consent) out.push('consent')
  if (mustType(recipients) && !isNumber(typed, recipients)) out.push('number')
  return out
}
