import { Group, Progress, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, percent } from '@/lib/format'

type Counts = Schemas['Counts']

/** What became of a campaign's messages, in four parts that add up to its recipients. */
export function outcome(counts: Counts) {
  const success = counts.accepted + counts.sent + counts.delivered + counts.read
  const failed = counts.failed + counts.undelivered + counts.expired
  const skipped = counts.suppressed + counts.canceled
  const doubtful = counts.held + counts.unknown
  return { success, failed, skipped, doubtful, waiting: counts.queued + counts.attempting }
}

/** A bar and the same in words: colour is never the only bearer. */
export function OutcomeBar({ counts, recipients }: { counts: Counts; recipients: number }) {
  const { t } = useTranslation('campaigns')
  const o = outcome(counts)
  const share = (n: number) => (recipients ? (100 * n) / recipients : 0)
  const words = [
    t('outcome.success', { n: count(o.success), share: percent(o.success, recipients) }),
    o.failed > 0 && t('outcome.failed', { n: count(o.failed) }),
    o.skipped > 0 && t('outcome.skipped', { n: count(o.skipped) }),
    o.doubtful > 0 && t('outcome.doubtful', { n: count(o.doubtful) }),
    o.waiting > 0 && t('outcome.waiting', { n: count(o.waiting) }),
  ].filter(Boolean)
  return (
    <Stack gap={4}>
      <Progress.Root size="sm" className="bar" aria-hidden>
        <Progress.Section value={share(o.success)} color="teal.8" />
        <Progress.Section value={share(o.failed)} color="red.8" />
        <Progress.Section value={share(o.doubtful)} color="orange.7" />
        <Progress.Section value={share(o.skipped)} color="gray.6" />
      </Progress.Root>
      <Group gap={6}>
        <Text size="xs" c="dimmed">
          {words.join(' · ')}
        </Text>
      </Group>
    </Stack>
  )
}
