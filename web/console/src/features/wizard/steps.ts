export const steps = ['compose', 'recipients', 'schedule', 'review'] as const
export type Step = (typeof steps)[number]

const home: Record<string, Step> = {
  name: 'compose',
  channel: 'compose',
  sender: 'compose',
  skill: 'compose',
  text: 'compose',
  opt_out_text: 'compose',
  smart_encoding: 'compose',
  recipients: 'recipients',
  problems: 'recipients',
  consent: 'review',
}

/** The step on which a field of the checklist stands. */
export const stepOf = (field: string): Step => home[field] ?? 'schedule'
