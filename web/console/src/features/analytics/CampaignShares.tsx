import { Anchor, Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { useSession } from '@/auth/session'
import { count, date, percent } from '@/lib/format'
import { type Column, DataTable } from '@/ui/DataTable'
import { StateBadge } from '@/ui/StateBadge'

type Row = Schemas['CampaignSent']

/** The campaigns that the figures are made of; each number opens the people behind it. */
export function CampaignShares({ data }: { data: Schemas['Analytics'] }) {
  const { t } = useTranslation('analytics')
  const { can } = useSession()
  const people = (row: Row, state: string | undefined, n: number, whole?: number) => {
    const text = whole === undefined ? count(n) : `${count(n)} (${percent(n, whole)})`
    if (n === 0 || row.people_deleted_at || !can('recipients:read')) return text
    return (
      <Anchor
        component={Link}
        to="/campaigns/$campaign"
        params={{ campaign: row.id } as never}
        search={{ tab: 'recipients', state } as never}
        size="sm"
      >
        {text}
      </Anchor>
    )
  }
  const columns: Column<Row>[] = [
    {
      id: 'name',
      title: t('column.name'),
      cell: (c) => (
        <>
          <Anchor component={Link} to="/campaigns/$campaign" params={{ campaign: c.id } as never} search={{} as never} fw={600}>
            {c.name}
          </Anchor>
          {c.people_deleted_at && (
            <Text size="xs" c="dimmed">
              {t('peopleDeleted', { at: date(c.people_deleted_at) })}
            </Text>
          )}
        </>
      ),
    },
    { id: 'state', title: t('column.state'), cell: (c) => <StateBadge state={c.state} /> },
    { id: 'sent', title: t('column.sent'), numeric: true, cell: (c) => people(c, undefined, c.counts.sent) },
    {
      id: 'accepted',
      title: t('column.accepted'),
      numeric: true,
      cell: (c) => `${count(c.counts.accepted)} (${percent(c.counts.accepted, c.counts.sent)})`,
    },
    {
      id: 'delivered',
      title: t('column.delivered'),
      numeric: true,
      cell: (c) => people(c, 'delivered', c.counts.delivered, c.counts.sent),
    },
    { id: 'refused', title: t('column.refused'), numeric: true, cell: (c) => people(c, 'failed', c.counts.refused) },
    { id: 'held', title: t('column.held'), numeric: true, cell: (c) => people(c, 'held', c.counts.held) },
    {
      id: 'replied',
      title: t('column.replied'),
      numeric: true,
      cell: (c) => `${count(c.counts.replied)} (${percent(c.counts.replied, c.counts.accepted)})`,
    },
    { id: 'optedOut', title: t('column.optedOut'), numeric: true, cell: (c) => count(c.counts.opted_out) },
  ]
  return (
    <Stack gap="xs" id="campaigns" component="section" aria-labelledby="campaigns-title">
      <Title order={2} fz="md" id="campaigns-title">
        {t('campaigns')}
      </Title>
      {data.campaign_count > data.campaigns.length && (
        <Text size="sm" c="dimmed">
          {t('most', { n: count(data.campaigns.length), all: count(data.campaign_count) })}
        </Text>
      )}
      <DataTable
        label={t('campaigns')}
        columns={columns}
        pages={{ rows: data.campaigns, more: false, loading: false, error: null, loadMore: () => {}, retry: () => {} }}
        rowKey={(c) => c.id}
        empty={null}
      />
    </Stack>
  )
}
