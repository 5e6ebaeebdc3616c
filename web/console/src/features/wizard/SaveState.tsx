import { Group, Text } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconCloudUpload, IconPencil } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { clock, dateTime } from '@/lib/format'
import type { DraftHandle } from './useDraft'

const icons = {
  saved: IconCheck,
  saving: IconCloudUpload,
  unsaved: IconPencil,
  refused: IconAlertTriangle,
  failed: IconAlertTriangle,
  conflict: IconAlertTriangle,
}

/** Whether what was typed is safe, said to everybody, also to those who do not see it. */
export function SaveState({ draft: { draft, standing } }: { draft: DraftHandle }) {
  const { t } = useTranslation('wizard')
  const Icon = icons[standing]
  const bad = standing === 'refused' || standing === 'failed' || standing === 'conflict'
  const at = draft.savedAt ?? draft.base.updated_at
  const cause = draft.trouble instanceof Error ? draft.trouble.message : ''
  return (
    <Group component="span" gap={6} wrap="nowrap" role="status" aria-live="polite" c={bad ? 'var(--mantine-color-error)' : 'dimmed'}>
      <Icon size={16} aria-hidden style={{ flex: 'none' }} />
      <Text size="sm" component="span" inherit={false}>
        {t(`save.${standing}`, { at: when(new Date(at)), cause })}
      </Text>
    </Group>
  )
}

const when = (at: Date): string => (at.toDateString() === new Date().toDateString() ? clock(at) : dateTime(at))
