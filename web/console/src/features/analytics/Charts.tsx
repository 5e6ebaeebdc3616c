import '@mantine/charts/styles.css'
import { CompositeChart } from '@mantine/charts'
import { SimpleGrid, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, date, percent } from '@/lib/format'
import { ChartFrame } from '@/ui/ChartFrame'
import { hourLabels } from '../forecast/hours'
import { Parts } from './Parts'

/** Messages over time, and what became of them altogether; the same numbers as table and CSV. */
export function Charts({ data }: { data: Schemas['Analytics'] }) {
  const { t } = useTranslation('analytics')
  const { totals: n, zone } = data
  const starts = data.points.map((p) => p.from)
  const labels = data.step === 'hour' ? hourLabels(starts, zone) : starts.map((at) => date(at, zone))
  const overTime = data.points.map((p, i) => ({
    label: labels[i] ?? '',
    success: p.counts.accepted,
    failed: p.counts.refused + p.counts.held,
    replied: p.counts.replied,
  }))
  const series = [
    { name: 'success', key: 'success', label: t('chart.success'), color: 'var(--chart-1)', type: 'bar' as const },
    { name: 'failed', key: 'failed', label: t('chart.failed'), color: 'var(--chart-2)', type: 'bar' as const },
    { name: 'replied', key: 'replied', label: t('chart.replied'), color: 'var(--chart-3)', type: 'line' as const },
  ]
  const delivery = [
    { label: t('parts.delivered'), n: n.delivered, color: 'var(--chart-1)' },
    { label: t('parts.waiting'), n: n.waiting, color: 'var(--chart-4)', pattern: 'dots' as const },
    { label: t('parts.undelivered'), n: n.undelivered, color: 'var(--chart-2)', pattern: 'stripes' as const },
    { label: t('parts.refused'), n: n.refused, color: 'var(--chart-2)' },
    { label: t('parts.held'), n: n.held, color: 'var(--chart-4)', pattern: 'stripes' as const },
  ]
  const response = [
    { label: t('parts.answered'), n: n.answered, color: 'var(--chart-3)' },
    { label: t('parts.unanswered'), n: n.accepted - n.answered, color: 'var(--chart-4)', pattern: 'dots' as const },
  ]
  const rows = (parts: { label: string; n: number }[]) => parts.map((p) => ({ label: p.label, n: p.n }))
  return (
    <Stack>
      <ChartFrame
        title={t('chart.overTime')}
        summary={t('chart.overTimeSummary', { sent: count(n.sent), failed: count(n.refused + n.held), replied: count(n.replied), zone })}
        labels={t(data.step === 'hour' ? 'chart.hour' : 'chart.day')}
        series={series.map((s) => ({ key: s.key, name: s.label }))}
        data={overTime}
        file="messages-over-time"
      >
        <CompositeChart
          h={280}
          data={overTime}
          dataKey="label"
          withLegend
          gridAxis="y"
          curveType="linear"
          maxBarWidth={28}
          xAxisProps={{ minTickGap: 24 }}
          lineProps={{ strokeDasharray: '6 3' }}
          series={series.map(({ name, label, color, type }) => ({ name, label, color, type }))}
        />
      </ChartFrame>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <ChartFrame
          title={t('chart.delivery')}
          summary={t('chart.deliverySummary', { sent: count(n.sent), accepted: count(n.accepted), share: percent(n.accepted, n.sent) })}
          labels={t('chart.status')}
          series={[{ key: 'n', name: t('chart.messages') }]}
          data={rows(delivery)}
          file="delivery-status"
        >
          <Parts parts={delivery} whole={n.sent} />
        </ChartFrame>
        <ChartFrame
          title={t('chart.response')}
          summary={t('chart.responseSummary', {
            accepted: count(n.accepted),
            answered: count(n.answered),
            share: percent(n.answered, n.accepted),
          })}
          labels={t('chart.status')}
          series={[{ key: 'n', name: t('chart.messages') }]}
          data={rows(response)}
          file="response-status"
        >
          <Parts parts={response} whole={n.accepted} />
        </ChartFrame>
      </SimpleGrid>
    </Stack>
  )
}
