import { Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { ago, decimal } from '@/lib/format'
import { StateBadge } from '@/ui/StateBadge'

type Props = { sender: Schemas['Sender']; health: Schemas['SenderHealth'] | undefined }

/** State, and in words what is in the way. A stop is known from the sender itself, also while the health is not. */
export function HealthCell({ sender, health }: Props) {
  const { t } = useTranslation('admin')
  const state = sender.stopped ? 'stopped' : health?.state
  const why = sender.stopped ? sender.stop_reason : health?.why
  return (
    <Stack gap={2} align="flex-start">
      {state ? <StateBadge state={state} /> : <span>—</span>}
      {why && <Text size="xs">{why}</Text>}
      {health?.oldest_due_at && !sender.stopped && (
        <Text size="xs" c="dimmed">
          {t('senders.dueSince', { ago: ago(health.oldest_due_at) })}
        </Text>
      )}
    </Stack>
  )
}

/** What goes out, of what may: "3.2 of 10". Another node's rate is not known here. */
export function RateCell({ sender, health }: Props) {
  const { t } = useTranslation('admin')
  return (
    <Stack gap={0}>
      <Text size="sm" component="span">
        {t('senders.rateOf', { sent: health?.here ? decimal(health.sent) : '—', rate: decimal(sender.rate) })}
      </Text>
      {health?.here && health.rate_allowed > 0 && health.rate_allowed < sender.rate && (
        <Text size="xs" c="dimmed" component="span">
          {t('senders.allowed', { rate: decimal(health.rate_allowed) })}
        </Text>
      )}
    </Stack>
  )
}
