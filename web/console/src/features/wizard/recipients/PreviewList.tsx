import { Badge, Group, Stack, Text, TextInput, Title } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconBan, IconSearch } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { type ReactNode, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { hooks, type Schemas } from '@/api/client'
import { count } from '@/lib/format'
import { type Column, DataTable } from '@/ui/DataTable'
import { EmptyState } from '@/ui/EmptyState'
import { longList, pagesOf, usePageSize } from '@/ui/pages'

type Recipient = Schemas['Recipient']

const route = getRouteApi('/frame/campaigns/$campaign/edit')
const Search = z.object({ q: z.catch(z.optional(z.string()), undefined) })

/** Everybody on the list with the text they will get, a page at a time from the server. */
export function PreviewList({ campaign, total, actions }: { campaign: string; total: number; actions?: ReactNode }) {
  const { t } = useTranslation(['recipients', 'frame'])
  const { q } = Search.parse(route.useSearch())
  const navigate = route.useNavigate()
  const type = useDebouncedCallback((text: string) => {
    void navigate({ search: ((was: Record<string, unknown>) => ({ ...was, q: text || undefined })) as never, replace: true })
  }, 300)
  const limit = usePageSize()
  const query = hooks.useInfiniteQuery(
    'get',
    '/v1/campaigns/{campaign}/recipients',
    { params: { path: { campaign }, query: { q: q || undefined, limit } } },
    { ...longList, staleTime: Number.POSITIVE_INFINITY },
  )
  // The same while pages arrive, so that rows in sight are not drawn again.
  const columns = useMemo<Column<Recipient>[]>(
    () => [
      { id: 'row', title: t('list.row'), numeric: true, width: '6rem', cell: (r) => count(r.row) },
      { id: 'address', title: t('list.address'), width: '9.5rem', cell: (r) => r.address },
      {
        id: 'text',
        title: t('list.text'),
        cell: (r) => (
          <span className="one-line" title={r.text}>
            {r.text}
          </span>
        ),
      },
      { id: 'segments', title: t('list.segments'), numeric: true, width: '6.5rem', cell: (r) => count(r.segments) },
      { id: 'note', title: t('list.note'), width: '11rem', cell: (r) => <Note recipient={r} /> },
    ],
    [t],
  )
  if (total === 0 && !q) return <EmptyState title={t('list.none')} text={t('list.noneText')} />
  return (
    <Stack gap="sm" component="section" aria-labelledby="recipients-list">
      <Group justify="space-between" gap="sm">
        <Title order={2} fz="lg" id="recipients-list">
          {t('list.title', { n: count(total) })}
        </Title>
        {actions}
      </Group>
      <TextInput
        data-page-search
        aria-label={t('list.search')}
        placeholder={t('list.search')}
        leftSection={<IconSearch size={16} aria-hidden />}
        defaultValue={q}
        onChange={(e) => type(e.currentTarget.value.trim())}
        inputMode="tel"
        maxLength={40}
        maw={320}
      />
      <DataTable
        label={t('list.title', { n: count(total) })}
        columns={columns}
        pages={pagesOf(query)}
        rowKey={(r) => r.id}
        height={480}
        empty={<EmptyState title={t('list.nobody')} text={t('list.nobodyText')} />}
      />
    </Stack>
  )
}

function Note({ recipient: r }: { recipient: Recipient }) {
  const { t } = useTranslation('recipients')
  if (r.opted_out) {
    return (
      <Badge color="gray.8" tt="none" leftSection={<IconBan size={12} aria-hidden />}>
        {t('list.optedOut')}
      </Badge>
    )
  }
  if (r.missing?.length) {
    return (
      <Text size="sm" component="span" c="var(--mantine-color-error)">
        {t('list.missing', { names: r.missing.join(', ') })}
      </Text>
    )
  }
  return r.zone_source === 'unknown' ? (
    <Text size="sm" component="span">
      {t('list.noZone')}
    </Text>
  ) : null
}
