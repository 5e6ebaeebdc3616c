import { vi } from 'vitest'
import { begin, type Campaign, type Fields, valuesOf } from './draft'
import type { DraftHandle } from './useDraft'

/** A whole draft for tests. */
export const campaign = (more: Partial<Campaign> = {}): Campaign => ({
  id: 'cmp_1',
  name: 'Renewal',
  channel: 'sms',
  brand: 'brd_1',
  sender: 'snd_1',
  skill: 'skl_1',
  text: 'Hello',
  opt_out_text: 'STOP ends',
  smart_encoding: false,
  state: 'draft',
  window: { mon: ['08:00', '21:00'] },
  rate: 10,
  lookback_hours: 720,
  policy: 'safe',
  open_conversation: 'skip',
  undo_seconds: 0,
  recipients: 3,
  created_at: '2026-11-21T10:00:00Z',
  updated_at: '2026-11-21T10:00:00Z',
  ...more,
})

/** A draft for components, which tells what they set. */
export function handle(more: Partial<Campaign> = {}): DraftHandle & { set: ReturnType<typeof vi.fn<(change: Partial<Fields>) => void>> } {
  const draft = begin(campaign(more))
  return {
    base: draft.base,
    draft,
    values: valuesOf(draft),
    standing: 'saved',
    set: vi.fn<(change: Partial<Fields>) => void>(),
    save: async () => true,
    checkList: async () => {},
    error: () => undefined,
    takeTheirs: () => {},
    keepMine: () => {},
  }
}
