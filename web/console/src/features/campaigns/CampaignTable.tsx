import { Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { hooks, type Schemas } from '@/api/client'
import { useSession } from '@/auth/session'
import { ago, count, dateTime } from '@/lib/format'
import { type Column, DataTable } from '@/ui/DataTable'
import { EmptyState } from '@/ui/EmptyState'
import { byCursor, pagesOf } from '@/ui/pages'
import { StateBadge } from '@/ui/StateBadge'
import type { CampaignFilter } from './CampaignsPage'
import { OutcomeBar } from './OutcomeBar'

type Campaign = Schemas['Campaign']

/** The campaigns of everyone, newest first, with what became of their messages so far. */
export function CampaignTable({ filter, onNew }: { filter: CampaignFilter; onNew: () => void }) {
  const { t } = useTranslation('campaigns')
  const { can } = useSession()
  const { state, q, archived } = filter
  const query = hooks.useInfiniteQuery('get', '/v1/campaigns', { params: { query: { state, q, archived, limit: 50 } } }, byCursor)
  const columns: Column<Campaign>[] = [
    {
      id: 'name',
      title: t('column.name'),
      cell: (c) => (
        <Stack gap={2}>
          <Anchor
            component={Link}
            to={c.state === 'draft' ? '/campaigns/$campaign/edit' : '/campaigns/$campaign'}
            params={{ campaign: c.id } as never}
            search={{} as never}
            fw={600}
          >
            {c.name}
          </Anchor>
          <Text size="xs" c="dimmed">
            {t(`channel.${c.channel}`)}
          </Text>
        </Stack>
      ),
    },
    { id: 'state', title: t('column.state'), cell: (c) => <StateBadge state={c.state} /> },
    { id: 'recipients', title: t('column.recipients'), numeric: true, cell: (c) => count(c.recipients) },
    {
      id: 'launched',
      title: t('column.launched'),
      cell: (c) => {
        const at = c.state === 'scheduled' ? c.launch_at : (c.launched_at ?? c.launch_at)
        return at ? (
          <Text size="sm" title={dateTime(at)} component="span">
            {c.state === 'scheduled' ? dateTime(at) : ago(at)}
          </Text>
        ) : (
          <Text size="sm" c="dimmed" component="span">
            {t('notYet')}
          </Text>
        )
      },
    },
    {
      id: 'outcome',
      title: t('column.outcome'),
      cell: (c) => (c.counts && c.launched_at ? <OutcomeBar counts={c.counts} recipients={c.recipients} /> : <span aria-hidden>—</span>),
      width: '16rem',
    },
  ]
  const filtered = Boolean(state || q || archived)
  return (
    <DataTable
      label={t('title')}
      columns={columns}
      pages={pagesOf(query)}
      rowKey={(c) => c.id}
      empty={
        filtered ? (
          <EmptyState title={t('none.filtered')} text={t('none.filteredText')}>
            <Anchor component={Link} to="/campaigns" search={{} as never}>
              {t('none.showAll')}
            </Anchor>
          </EmptyState>
        ) : (
          <EmptyState title={t('none.title')} text={t('none.text')}>
            <Group>
              {can('campaigns:write') && <Button onClick={onNew}>{t('new.open')}</Button>}
              <Button component={Link} to="/phones" variant="default">
                {t('none.lab')}
              </Button>
            </Group>
          </EmptyState>
        )
      }
    />
  )
}
