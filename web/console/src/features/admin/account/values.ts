import type { Schemas } from '@/api/client'

type Account = Schemas['Account']

const plain = [
  'name',
  'opt_out_text',
  'sms_limit',
  'length_policy',
  'send_rate',
  'lookback_hours',
  'help_text',
  'time_zone',
  'open_conversation',
  'ordinary_words',
] as const

/** What the form holds of an account; the window belongs to the policy page. */
export type Values = Pick<Account, (typeof plain)[number] | 'rails'> & { default_skill: string }

export function valuesOf(account: Account): Values {
  const picked = Object.fromEntries(plain.map((key) => [key, account[key]])) as Pick<Account, (typeof plain)[number]>
  return structuredClone({ ...picked, default_skill: account.default_skill ?? '', rails: account.rails })
}

/** The rails in the order of the form. 0 switches one off, except where min says otherwise. */
export const rails: { name: keyof Account['rails']; min: number; max: number }[] = [
  { name: 'undo_seconds', min: 0, max: 3600 },
  { name: 'segments_per_day', min: 0, max: 1_000_000_000 },
  { name: 'failed_percent', min: 0, max: 100 },
  { name: 'opted_out_percent', min: 0, max: 100 },
  { name: 'unknown_percent', min: 0, max: 100 },
  { name: 'sample', min: 20, max: 100_000 },
  { name: 'campaign_prefix_per_day', min: 0, max: 5000 },
  { name: 'prefix_per_hour', min: 0, max: 1000 },
  { name: 'prefix_per_day', min: 0, max: 5000 },
  { name: 'prefix_digits', min: 1, max: 14 },
]
