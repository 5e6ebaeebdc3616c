import { Badge, Button, Group, Paper, SimpleGrid, Skeleton, Stack, Table, Text, Title } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconRefresh, IconX } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { hooks, type Schemas } from '@/api/client'
import { ago, clock, count, dateTime, decimal } from '@/lib/format'
import { PageHeader } from '@/ui/PageHeader'
import { Trouble } from '@/ui/Trouble'
import { HealthCell } from './senders/HealthCell'
import { useHealth } from './senders/useHealth'

/** Good or bad as icon, word and colour. */
function Verdict({ good, yes, no }: { good: boolean; yes: string; no: string }) {
  return (
    <Badge
      color={good ? 'teal.9' : 'red.9'}
      variant="filled"
      tt="none"
      miw="max-content"
      leftSection={good ? <IconCheck size={12} aria-hidden /> : <IconX size={12} aria-hidden />}
    >
      {good ? yes : no}
    </Badge>
  )
}

function Panel({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" radius="md" component="section">
      <Title order={2} fz="md" mb="sm">
        {title}
      </Title>
      {children}
    </Paper>
  )
}

function Rows({ rows }: { rows: [string, ReactNode][] }) {
  return (
    <Table verticalSpacing={6}>
      <Table.Tbody>
        {rows.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" fw={400}>
              {name}
            </Table.Th>
            <Table.Td className="number">{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

const mebibytes = (bytes: number) => `${count(Math.round(bytes / 2 ** 20))} MiB`

/** What the server knows of itself, for administrators, with what waits in their own account. */
export function HealthPage() {
  const { t } = useTranslation(['admin', 'frame'])
  const { data, error, refetch, isFetching, dataUpdatedAt } = hooks.useQuery('get', '/v1/health', {}, { refetchInterval: 10_000 })
  return (
    <>
      <PageHeader title={t('health.title')} text={t('health.text')}>
        <Button variant="default" leftSection={<IconRefresh size={16} aria-hidden />} loading={isFetching} onClick={() => void refetch()}>
          {t('health.refresh')}
        </Button>
      </PageHeader>
      <Stack>
        {Boolean(error) && <Trouble error={error} retry={() => void refetch()} />}
        {!data && !error && <Skeleton height={300} />}
        {data && (
          <>
            <Text size="xs" c="dimmed">
              {t('health.asOf', { at: clock(new Date(dataUpdatedAt)) })}
            </Text>
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              <Checks health={data} />
              <QueuePanel queue={data.queue} />
              <ServerPanel health={data} />
              <Senders />
            </SimpleGrid>
          </>
        )}
      </Stack>
    </>
  )
}

function Checks({ health }: { health: Schemas['Health'] }) {
  const { t } = useTranslation('admin')
  return (
    <Panel title={t('health.checks')}>
      <Stack gap="xs">
        <Group>
          <Verdict good={health.ready} yes={t('health.ready')} no={t('health.notReady')} />
        </Group>
        {(health.quarantine || health.emergency_stop) && (
          <Group gap="xs" wrap="nowrap" align="flex-start">
            <IconAlertTriangle size={18} aria-hidden style={{ flex: 'none' }} />
            <Text size="sm">{t(health.emergency_stop ? 'health.emergency' : 'health.quarantine')}</Text>
          </Group>
        )}
        <Rows
          rows={health.checks.map((c) => [
            t(`health.check.${c.name}`, { defaultValue: c.name }),
            c.ok ? (
              <Verdict key={c.name} good yes={t('health.good')} no="" />
            ) : (
              <Stack key={c.name} gap={2} align="flex-end">
                <Verdict good={false} yes="" no={t('health.bad')} />
                <Text size="xs">{c.means}</Text>
              </Stack>
            ),
          ])}
        />
      </Stack>
    </Panel>
  )
}

function QueuePanel({ queue }: { queue: Schemas['Queue'] }) {
  const { t } = useTranslation('admin')
  const since = (at: string | undefined) => (at ? ago(at) : '—')
  return (
    <Panel title={t('health.queue')}>
      <Rows
        rows={[
          [t('health.waiting'), count(queue.waiting)],
          [t('health.oldestDue'), since(queue.oldest_due_at)],
          [t('health.inDoubt'), count(queue.in_doubt)],
          [t('health.oldestDoubt'), since(queue.oldest_in_doubt_at)],
          [
            t('health.held'),
            queue.held > 0 ? (
              <Link key="held" to="/held" search={{} as never}>
                {count(queue.held)}
              </Link>
            ) : (
              '0'
            ),
          ],
          [t('health.planning'), count(queue.planning)],
          [t('health.answers'), count(queue.answers)],
        ]}
      />
    </Panel>
  )
}

function ServerPanel({ health }: { health: Schemas['Health'] }) {
  const { t } = useTranslation('admin')
  return (
    <Panel title={t('health.server')}>
      <Rows
        rows={[
          [
            t('health.version'),
            <span key="v" style={{ overflowWrap: 'anywhere' }}>
              {health.version.slice(0, 20)}
            </span>,
          ],
          [t('health.engine'), t(`health.engines.${health.engine}`)],
          [t('health.schema'), count(health.schema)],
          [t('health.up'), t('health.upSince', { at: dateTime(health.since), ago: ago(health.since) })],
          [
            t('health.disk'),
            health.disk_free_bytes ? `${mebibytes(health.disk_free_bytes)} / ${mebibytes(health.disk_threshold_bytes)}` : '—',
          ],
          [
            t('health.backup'),
            health.last_backup_at ? ago(health.last_backup_at) : t(health.engine === 'sqlite' ? 'health.noBackup' : 'health.ownBackup'),
          ],
        ]}
      />
    </Panel>
  )
}

function Senders() {
  const { t } = useTranslation('admin')
  const health = useHealth()
  const { data, error } = hooks.useQuery('get', '/v1/senders', { params: { query: { limit: 200 } } })
  return (
    <Panel title={t('senders.title')}>
      {Boolean(error ?? health.error) && <Trouble error={error ?? health.error} />}
      {data?.items.length === 0 && <Text size="sm">{t('senders.none')}</Text>}
      <Stack gap="sm">
        {data?.items.map((s) => {
          const h = health.of(s.id)
          return (
            <SimpleGrid key={s.id} cols={{ base: 1, sm: 3 }} spacing="xs" verticalSpacing={2}>
              <Link to="/admin/senders" search={{ sender: s.id } as never}>
                {s.name}
              </Link>
              <Text size="sm">{h?.here ? t('senders.rateOf', { sent: decimal(h.sent), rate: count(s.rate) }) : '—'}</Text>
              <HealthCell sender={s} health={h} />
            </SimpleGrid>
          )
        })}
      </Stack>
    </Panel>
  )
}
