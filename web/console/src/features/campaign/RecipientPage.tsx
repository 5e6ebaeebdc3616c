import { Alert, Anchor, Breadcrumbs, Group, Paper, SimpleGrid, Skeleton, Stack, Text, ThemeIcon, Timeline, Title } from '@mantine/core'
import { IconCheck, IconClock, IconHelp, IconMessageReply, IconReceipt, IconRocket, IconSend, IconX } from '@tabler/icons-react'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { hooks, type Schemas } from '@/api/client'
import { blocks } from '@/api/problem'
import { count, dateTime } from '@/lib/format'
import { PageHeader } from '@/ui/PageHeader'
import { StateBadge } from '@/ui/StateBadge'
import { Trouble } from '@/ui/Trouble'

const route = getRouteApi('/frame/campaigns/$campaign/recipients/$recipient')

const verdicts = {
  passes: { icon: IconCheck, color: 'teal.9' },
  waits: { icon: IconClock, color: 'orange.9' },
  stops: { icon: IconX, color: 'red.9' },
  unclear: { icon: IconHelp, color: 'gray.7' },
} as const

const moments = { launched: IconRocket, attempt: IconSend, receipt: IconReceipt, reply: IconMessageReply } as const

/** One person in one campaign: what happened, in order, and why they did or did not get it. */
export function RecipientPage() {
  const { t } = useTranslation(['campaign', 'frame'])
  const { campaign, recipient } = route.useParams()
  const about = hooks.useQuery('get', '/v1/campaigns/{campaign}', { params: { path: { campaign } } })
  const { data, error, refetch } = hooks.useQuery('get', '/v1/campaigns/{campaign}/recipients/{recipient}', {
    params: { path: { campaign, recipient } },
  })
  if (blocks({ data, error })) return <Trouble error={error} retry={() => void refetch()} />
  if (!data) return <Skeleton height={320} role="progressbar" aria-label={t('frame:loading')} />
  const r = data.recipient
  return (
    <>
      <PageHeader
        title={r.address}
        before={
          <Breadcrumbs>
            <Anchor
              component={Link}
              to="/campaigns/$campaign"
              params={{ campaign } as never}
              search={{ tab: 'recipients' } as never}
              size="sm"
            >
              {about.data?.name ?? t('frame:nav.campaigns')}
            </Anchor>
            <StateBadge state={r.state ?? 'queued'} />
          </Breadcrumbs>
        }
        text={t('person.row', { n: count(r.row) })}
      />
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Stack>
          <Paper withBorder p="md" radius="md">
            <Title order={2} fz="md" mb="xs">
              {t('person.text')}
            </Title>
            <Text className="said">{r.text}</Text>
            <Text size="xs" c="dimmed" mt="xs">
              {t('person.size', { units: count(r.units), count: r.segments })} ·{' '}
              {r.zones.length > 0 ? r.zones.join(', ') : t('person.noZone')}
            </Text>
          </Paper>
          <Paper withBorder p="md" radius="md">
            <Title order={2} fz="md" mb="md">
              {t('person.timeline')}
            </Title>
            {data.timeline.length === 0 ? (
              <Text c="dimmed">{t('person.nothingYet')}</Text>
            ) : (
              <Timeline bulletSize={28} lineWidth={2}>
                {data.timeline.map((m: Schemas['Moment']) => {
                  const Bullet = moments[m.kind]
                  return (
                    <Timeline.Item
                      key={`${m.at}${m.kind}${m.message}`}
                      bullet={<Bullet size={14} aria-hidden />}
                      title={t(`person.kind.${m.kind}`)}
                    >
                      <Text size="sm" className="said">
                        {m.message}
                        {m.code ? ` (${m.code})` : ''}
                      </Text>
                      <Text size="xs" c="dimmed">
                        {dateTime(m.at)}
                      </Text>
                    </Timeline.Item>
                  )
                })}
              </Timeline>
            )}
          </Paper>
        </Stack>
        <Paper withBorder p="md" radius="md" component="section" aria-labelledby="why">
          <Title order={2} fz="md" mb="xs" id="why">
            {t('person.why')}
          </Title>
          {r.problem && (
            <Alert color="red" variant="outline" mb="sm">
              {r.problem}
            </Alert>
          )}
          <Stack component="ol" gap="sm" p={0} m={0} style={{ listStyle: 'none' }}>
            {data.why.map((reason) => {
              const v = verdicts[reason.verdict]
              return (
                <Group component="li" key={reason.check} wrap="nowrap" align="flex-start" gap="sm">
                  <ThemeIcon color={v.color} radius="xl" size={24} style={{ flex: 'none' }}>
                    <v.icon size={14} aria-hidden />
                  </ThemeIcon>
                  <div style={{ minWidth: 0 }}>
                    <Text size="sm" fw={600}>
                      {t(`check.${reason.check}`, { defaultValue: reason.check })}: {t(`verdict.${reason.verdict}`)}
                    </Text>
                    <Text size="sm" className="said">
                      {reason.message}
                    </Text>
                    <Text size="xs" c="dimmed">
                      {[reason.rule, reason.pack, reason.tzdata && `tzdata ${reason.tzdata}`].filter(Boolean).join(' · ')}
                    </Text>
                  </div>
                </Group>
              )
            })}
          </Stack>
        </Paper>
      </SimpleGrid>
    </>
  )
}
