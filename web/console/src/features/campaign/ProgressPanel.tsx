import { Alert, Group, Paper, Progress, Stack, Text, Title } from '@mantine/core'
import { IconClockPause, IconInfoCircle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, dateTime, decimal, percent, span } from '@/lib/format'
import type { Campaign } from './useCampaign'

type Props = { campaign: Campaign; progress: Schemas['Progress'] }

/** How far it is, how fast, when it is over, and the reason when nothing moves. */
export function ProgressPanel({ campaign, progress: p }: Props) {
  const { t } = useTranslation(['campaign', 'frame'])
  const over = p.recipients - p.waiting
  const left = p.finish_at ? (new Date(p.finish_at).getTime() - Date.now()) / 1000 : 0
  const rows: [string, string][] = [
    [t('progress.rate'), t('progress.rateOf', { actual: decimal(p.actual_rate), configured: count(p.configured_rate) })],
    ...(p.waiting_for_window > 0
      ? [
          [t('progress.forWindow'), t('progress.forWindowUntil', { n: count(p.waiting_for_window), at: dateTime(p.next_due_at) })] as [
            string,
            string,
          ],
        ]
      : []),
    ...(p.finish_at ? [[t('progress.finish'), `${dateTime(p.finish_at)} (${span(left)})`] as [string, string]] : []),
    ...(p.forecast_finish_at ? [[t('progress.forecastFinish'), dateTime(p.forecast_finish_at)] as [string, string]] : []),
    [t('progress.launched'), dateTime(campaign.launched_at ?? campaign.launch_at)],
    ...(campaign.completed_at ? [[t('progress.completed'), dateTime(campaign.completed_at)] as [string, string]] : []),
  ]
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-labelledby="progress">
      <Stack gap="sm">
        <Title order={2} fz="md" id="progress">
          {t('progress.title')}
        </Title>
        <Progress
          value={p.recipients ? (100 * over) / p.recipients : 0}
          size="lg"
          color="indigo.8"
          aria-label={t('progress.title')}
          className="bar"
        />
        <Text size="sm" aria-live="polite">
          {t('progress.over', { n: count(over), of: count(p.recipients), share: percent(over, p.recipients) })}
        </Text>
        {p.stalled_reason && (
          <Alert color="orange" variant="outline" icon={<IconClockPause aria-hidden />} title={t('progress.why')}>
            {p.stalled_reason}
          </Alert>
        )}
        {p.reason && p.reason !== p.stalled_reason && (
          <Alert color="gray" variant="outline" icon={<IconInfoCircle aria-hidden />}>
            {p.reason}
          </Alert>
        )}
        <dl style={{ margin: 0 }}>
          {rows.map(([name, value]) => (
            <Group key={name} justify="space-between" gap="xs" py={2}>
              <Text component="dt" size="sm" c="dimmed">
                {name}
              </Text>
              <Text component="dd" size="sm" m={0}>
                {value}
              </Text>
            </Group>
          ))}
        </dl>
      </Stack>
    </Paper>
  )
}
