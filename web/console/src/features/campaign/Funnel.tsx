import { Anchor, Group, Paper, Progress, Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, percent } from '@/lib/format'
import { Definition } from '@/ui/Definition'

type Step = { id: string; n: number; of: number; state?: string; color: string }

/** From recipients to replies, and what fell out on the way. Each figure opens the list behind it. */
export function Funnel({ campaign, progress: p }: { campaign: string; progress: Schemas['Progress'] }) {
  const { t } = useTranslation('campaign')
  const c = p.counts
  const tried = p.recipients - c.queued - c.suppressed - c.canceled - c.expired
  const steps: Step[] = [
    { id: 'recipients', n: p.recipients, of: p.recipients, color: 'gray.6' },
    { id: 'tried', n: tried, of: p.recipients, color: 'indigo.8' },
    { id: 'accepted', n: p.accepted, of: tried, color: 'indigo.8' },
    { id: 'delivered', n: p.delivered, of: tried, state: 'delivered', color: 'teal.8' },
    { id: 'replied', n: p.replied, of: p.accepted, color: 'teal.8' },
    { id: 'optedOut', n: p.opted_out, of: p.accepted, color: 'orange.8' },
  ]
  const out: Step[] = [
    { id: 'queued', n: c.queued + c.attempting, of: p.recipients, state: 'queued', color: 'gray.6' },
    { id: 'failed', n: c.failed, of: tried, state: 'failed', color: 'red.8' },
    { id: 'undelivered', n: c.undelivered, of: tried, state: 'undelivered', color: 'red.8' },
    { id: 'suppressed', n: c.suppressed, of: p.recipients, state: 'suppressed', color: 'gray.6' },
    { id: 'expired', n: c.expired, of: p.recipients, state: 'expired', color: 'gray.6' },
    { id: 'canceled', n: c.canceled, of: p.recipients, state: 'canceled', color: 'gray.6' },
    { id: 'held', n: p.held, of: p.recipients, state: 'held', color: 'orange.8' },
    { id: 'unknown', n: c.unknown, of: p.recipients, state: 'unknown', color: 'orange.8' },
    { id: 'twice', n: p.resent_without_proof, of: p.recipients, color: 'orange.8' },
  ].filter((s) => s.n > 0)
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-labelledby="funnel">
      <Stack gap="sm">
        <Title order={2} fz="md" id="funnel">
          {t('funnel.title')}
        </Title>
        <Steps campaign={campaign} steps={steps} />
        {out.length > 0 && (
          <>
            <Title order={3} fz="sm">
              {t('funnel.out')}
            </Title>
            <Steps campaign={campaign} steps={out} />
          </>
        )}
      </Stack>
    </Paper>
  )
}

function Steps({ campaign, steps }: { campaign: string; steps: Step[] }) {
  const { t } = useTranslation('campaign')
  return (
    <Stack gap={8} component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
      {steps.map((s) => (
        <li key={s.id}>
          <Group justify="space-between" gap="xs" wrap="nowrap">
            <Group gap={2} wrap="nowrap">
              <Anchor
                component={Link}
                to="/campaigns/$campaign"
                params={{ campaign } as never}
                search={{ tab: 'recipients', state: s.state } as never}
                size="sm"
              >
                {t(`funnel.${s.id}`)}
              </Anchor>
              <Definition of={t(`funnel.${s.id}`)}>{t(`funnel.define.${s.id}`)}</Definition>
            </Group>
            <Text size="sm" className="number" component="span">
              <strong>{count(s.n)}</strong> {s.id !== 'recipients' && `(${percent(s.n, s.of)})`}
            </Text>
          </Group>
          <Progress value={s.of ? (100 * s.n) / s.of : 0} size="xs" color={s.color} aria-hidden className="bar" />
        </li>
      ))}
    </Stack>
  )
}
