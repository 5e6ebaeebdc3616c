import { Anchor, Badge, Button, Group, Text } from '@mantine/core'
import { IconEye } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, hooks, type Schemas } from '@/api/client'
import { useSession } from '@/auth/session'
import { dateTime } from '@/lib/format'
import { attempt } from '@/ui/confirm'
import { type Column, DataTable } from '@/ui/DataTable'
import { EmptyState } from '@/ui/EmptyState'
import { byCursor, pagesOf } from '@/ui/pages'

type OptOut = Schemas['OptOut']

/** After any change all lists of opt-outs are asked for again, and the figures that count them. */
export function useFreshOptOuts() {
  const client = useQueryClient()
  return () =>
    client.invalidateQueries({ predicate: (q) => ['/v1/opt-outs', '/v1/consent-events', '/v1/figures'].includes(String(q.queryKey[1])) })
}

export function OptOutTable({ q, review, onOpen }: { q?: string; review?: boolean; onOpen: (address: string) => void }) {
  const { t } = useTranslation(['optouts', 'frame'])
  const { can } = useSession()
  const fresh = useFreshOptOuts()
  const query = hooks.useInfiniteQuery('get', '/v1/opt-outs', { params: { query: { q, review, limit: 100 } } }, byCursor)
  const brands = hooks.useQuery('get', '/v1/brands', { params: { query: { limit: 200 } } }, { staleTime: 5 * 60_000 })
  const brandOf = (id: string) => brands.data?.items.find((b) => b.id === id)?.name ?? id
  const settle = (o: OptOut) =>
    void attempt(async () => {
      await api.POST('/v1/opt-outs', { body: { address: o.address, brand: o.brand, evidence: t('reviewed') } })
      await fresh()
    }, t('settled'))
  const columns: Column<OptOut>[] = [
    {
      id: 'address',
      title: t('column.address'),
      cell: (o) => (
        <Anchor component="button" type="button" onClick={() => onOpen(o.address)}>
          {o.address}
        </Anchor>
      ),
    },
    { id: 'brand', title: t('column.brand'), cell: (o) => brandOf(o.brand) },
    { id: 'source', title: t('column.source'), cell: (o) => t(`source.${o.source}`) },
    {
      id: 'evidence',
      title: t('column.evidence'),
      cell: (o) => (
        <Text size="sm" component="span" lineClamp={2} title={o.evidence}>
          {o.evidence}
        </Text>
      ),
    },
    { id: 'at', title: t('column.at'), cell: (o) => dateTime(o.created_at) },
    {
      id: 'review',
      title: t('column.review'),
      cell: (o) =>
        o.review ? (
          <Group gap={6}>
            <Badge color="orange.9" variant="filled" leftSection={<IconEye size={12} aria-hidden />} tt="none">
              {t('doubtful')}
            </Badge>
            {can('opt_outs:write') && (
              <>
                <Button size="compact-xs" variant="default" onClick={() => settle(o)}>
                  {t('confirm')}
                </Button>
                <Button size="compact-xs" variant="default" onClick={() => onOpen(o.address)}>
                  {t('lift')}
                </Button>
              </>
            )}
          </Group>
        ) : (
          <Text size="sm" c="dimmed" component="span">
            —
          </Text>
        ),
    },
  ]
  return (
    <DataTable
      label={t('title')}
      columns={columns}
      pages={pagesOf(query)}
      rowKey={(o) => `${o.brand}${o.channel}${o.address}`}
      empty={
        <EmptyState
          title={t(q || review ? 'none.filtered' : 'none.title')}
          text={t(review ? 'none.review' : q ? 'none.filteredText' : 'none.text')}
        />
      }
    />
  )
}
