import { Alert, List, Skeleton, Stack, Table, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { ApiError, blocks } from '@/api/problem'
import { count, dateTime, micros } from '@/lib/format'
import { ChartFrame } from '@/ui/ChartFrame'
import { Chart, type Row } from '@/ui/chart/Chart'
import { Trouble } from '@/ui/Trouble'
import { hourLabels, hourTicks } from '../forecast/hours'
import { skippedOf } from '../forecast/skipped'
import type { Campaign } from './useCampaign'

/** The forecast of the launch beside what happened, and what differs. */
export function ForecastComparison({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation(['campaign', 'forecast'])
  const { data, error, refetch } = hooks.useQuery(
    'get',
    '/v1/campaigns/{campaign}/forecast',
    { params: { path: { campaign: campaign.id } } },
    { retry: false, refetchInterval: (q) => (q.state.data?.actual.over ? false : 10_000) },
  )
  if (blocks({ data, error })) {
    const known = error as unknown
    if (known instanceof ApiError && (known.status === 409 || known.status === 404)) return <Alert color="gray">{known.message}</Alert>
    return <Trouble error={error} retry={() => void refetch()} />
  }
  if (!data) return <Skeleton height={320} />
  const { forecast: f, actual: a } = data
  const starts = data.hours.map((h) => h.start)
  const labels = hourLabels(starts)
  const bars = data.hours.map((h, i) => ({ label: labels[i] ?? '', forecast: h.forecast.sent, actual: h.actual.sent }))
  const series: Row[] = [
    { key: 'forecast', name: t('compare.forecast'), color: 4, pattern: 'stripes' },
    { key: 'actual', name: t('compare.actual'), color: 1 },
  ]
  const money = (n: number) => (f.currency ? micros(n, f.currency) : '—')
  const rows: [string, string, string][] = [
    [t('forecast:sent'), count(f.sent), count(a.sent)],
    [t('forecast:skipped'), count(skippedOf(f.skipped)), count(skippedOf(a.skipped))],
    [t('forecast:segments'), count(f.segments), count(a.segments)],
    [t('compare.cost'), money(f.cost_micros), money(a.cost_micros)],
    [t('compare.finish'), dateTime(f.finish_at), a.over ? dateTime(a.finished_at) : t('compare.notOver')],
    [t('compare.failed'), '—', count(a.failed)],
    [t('compare.held'), '—', count(a.held)],
  ]
  return (
    <Stack>
      {data.words.length > 0 && (
        <List size="sm" spacing={4}>
          {data.words.map((words) => (
            <List.Item key={words}>{words}</List.Item>
          ))}
        </List>
      )}
      <ChartFrame
        title={t('compare.chart')}
        summary={t('compare.summary', { forecast: count(f.sent), actual: count(a.sent) })}
        labels={t('forecast:hour')}
        series={series}
        data={bars}
        file={`forecast-${campaign.id}`}
      >
        <Chart title={t('compare.chart')} series={series} data={bars} ticks={hourTicks(starts)} />
      </ChartFrame>
      <Table maw={640}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>
              <Text component="span" className="unseen">
                {t('compare.what')}
              </Text>
            </Table.Th>
            <Table.Th className="number">{t('compare.forecast')}</Table.Th>
            <Table.Th className="number">{t('compare.actual')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(([name, forecast, actual]) => (
            <Table.Tr key={name}>
              <Table.Td>{name}</Table.Td>
              <Table.Td className="number">{forecast}</Table.Td>
              <Table.Td className="number">{actual}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  )
}
