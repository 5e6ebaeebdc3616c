import { Button, Group, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconDownload, IconSearch } from '@tabler/icons-react'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { hooks, type Schemas } from '@/api/client'
import { useSession } from '@/auth/session'
import { count, dateTime } from '@/lib/format'
import { type Column, DataTable } from '@/ui/DataTable'
import { EmptyState } from '@/ui/EmptyState'
import { longList, pagesOf, usePageSize } from '@/ui/pages'
import { StateBadge } from '@/ui/StateBadge'
import { PersonLink } from './PersonLink'

type Recipient = Schemas['Recipient']

const states = [
  'queued',
  'attempting',
  'unknown',
  'accepted',
  'sent',
  'delivered',
  'read',
  'undelivered',
  'failed',
  'suppressed',
  'expired',
  'canceled',
  'held',
] as const
type State = (typeof states)[number]

type Props = { campaign: string; state?: string; q?: string; onChange: (next: { state?: string; q?: string }) => void }

/** Everybody on the list, a page at a time from the server; a person opens into their own page. */
export function RecipientList({ campaign, state, q, onChange }: Props) {
  const { t } = useTranslation(['campaign', 'frame'])
  const { can } = useSession()
  const known = states.includes(state as State) ? (state as State) : undefined
  const limit = usePageSize()
  const query = hooks.useInfiniteQuery(
    'get',
    '/v1/campaigns/{campaign}/recipients',
    { params: { path: { campaign }, query: { state: known, q: q || undefined, limit } } },
    longList,
  )
  const type = useDebouncedCallback((text: string) => onChange({ q: text || undefined }), 300)
  // The same while pages arrive, so that rows in sight are not drawn again.
  const columns = useMemo<Column<Recipient>[]>(
    () => [
      { id: 'row', title: t('recipients.row'), numeric: true, width: '5rem', cell: (r) => count(r.row) },
      {
        id: 'address',
        title: t('recipients.address'),
        width: '11rem',
        cell: (r) => (
          <PersonLink campaign={campaign} recipient={r.id}>
            {r.address}
          </PersonLink>
        ),
      },
      { id: 'state', title: t('recipients.state'), width: '10.5rem', cell: (r) => <StateBadge state={r.state ?? 'queued'} /> },
      {
        id: 'reason',
        title: t('recipients.reason'),
        width: '11rem',
        cell: (r) => (
          <>
            {r.reason ? t(`reason.${r.reason}`, { defaultValue: r.reason }) : ''}
            {r.code ? ` (${r.code})` : ''}
          </>
        ),
      },
      {
        id: 'text',
        title: t('recipients.text'),
        cell: (r) => (
          <span className="one-line" title={r.text}>
            {r.text}
          </span>
        ),
      },
      { id: 'at', title: t('recipients.at'), width: '11rem', cell: (r) => dateTime(r.updated_at) },
    ],
    [t, campaign],
  )
  return (
    <>
      <Group mb="sm" gap="sm">
        <TextInput
          data-page-search
          aria-label={t('recipients.search')}
          placeholder={t('recipients.search')}
          leftSection={<IconSearch size={16} aria-hidden />}
          defaultValue={q}
          onChange={(e) => type(e.currentTarget.value.trim())}
          inputMode="tel"
        />
        <Select
          aria-label={t('recipients.byState')}
          placeholder={t('recipients.everyState')}
          clearable
          clearButtonProps={{ 'aria-label': t('frame:action.clear') }}
          value={known ?? null}
          onChange={(value) => onChange({ state: value ?? undefined })}
          data={states.map((s) => ({ value: s, label: t(`frame:states.${s}`, { defaultValue: s }) }))}
        />
        {can('recipients:export') && (
          <Button
            component="a"
            href={`/v1/campaigns/${campaign}/recipients.csv`}
            download
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            CSV
          </Button>
        )}
      </Group>
      <DataTable
        label={t('tab.recipients')}
        columns={columns}
        pages={pagesOf(query)}
        rowKey={(r) => r.id}
        height={560}
        empty={<EmptyState title={t('recipients.none')} text={t('recipients.noneText')} />}
      />
    </>
  )
}
