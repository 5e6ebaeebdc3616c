import { Skeleton, Stack, Text } from '@mantine/core'
import { keepPreviousData } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { clock, date } from '@/lib/format'
import { EmptyState } from '@/ui/EmptyState'
import { PageHeader } from '@/ui/PageHeader'
import { Trouble } from '@/ui/Trouble'
import { CampaignShares } from './CampaignShares'
import { Charts } from './Charts'
import { Figures } from './Figures'
import { Filters } from './Filters'
import { queryOf, type Selection, selectionOf } from './search'

const day = (text: string) => date(`${text}T12:00:00Z`, 'UTC')
const days = (p: { first: string; last: string }) => (p.first === p.last ? day(p.first) : `${day(p.first)} – ${day(p.last)}`)

const route = getRouteApi('/frame/analytics')

/** What was sent in a period and what became of it: figures, charts, and the campaigns behind them. */
export function AnalyticsPage() {
  const { t } = useTranslation('analytics')
  const navigate = useNavigate()
  const selection = selectionOf(route.useSearch())
  const change = (next: Partial<Selection>) => void navigate({ to: '/analytics', search: { ...selection, ...next }, replace: true })
  const { data, error, refetch, isPlaceholderData } = hooks.useQuery(
    'get',
    '/v1/analytics',
    { params: { query: queryOf(selection) } },
    { placeholderData: keepPreviousData, refetchInterval: 60_000 },
  )
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} />
      <Stack>
        <Filters selection={selection} zone={data?.zone} onChange={change} />
        {error && <Trouble error={error} retry={() => void refetch()} />}
        {!data && !error && <Skeleton height={420} />}
        {data && (
          <Stack style={{ opacity: isPlaceholderData ? 0.6 : 1 }} aria-busy={isPlaceholderData}>
            <Text size="sm" c="dimmed" aria-live="polite">
              {`${days(data.period)}, ${data.zone} · ${t('asOf', { at: clock(data.as_of, data.zone) })}`}
              {data.before && ` · ${t('comparedWith', { days: days(data.before.period) })}`}
            </Text>
            <Figures data={data} />
            {data.totals.sent === 0 ? (
              <EmptyState title={t('none.title')} text={t('none.text')} />
            ) : (
              <>
                <Charts data={data} />
                <CampaignShares data={data} />
              </>
            )}
          </Stack>
        )}
      </Stack>
    </>
  )
}
