import { SimpleGrid, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, date, dayMonth, percent } from '@/lib/format'
import { ChartFrame } from '@/ui/ChartFrame'
import { Chart, type Row } from '@/ui/chart/Chart'
import { hourLabels, hourTicks } from '../forecast/hours'
import { type Part, Parts } from './Parts'

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
  const ticks = data.step === 'hour' ? hourTicks(starts, zone) : starts.map((at) => ({ text: dayMonth(at, zone) }))
  const series: Row[] = [
    { key: 'success', name: t('chart.success'), color: 1 },
    { key: 'failed', name: t('chart.failed'), color: 2 },
    { key: 'replied', name: t('chart.replied'), color: 3, line: true },
  ]
  const delivery: Part[] = [
    { label: t('parts.delivered'), n: n.delivered, color: 1 },
    { label: t('parts.waiting'), n: n.waiting, color: 4, pattern: 'dots' },
    { label: t('parts.undelivered'), n: n.undelivered, color: 2, pattern: 'stripes' },
    { label: t('parts.refused'), n: n.refused, color: 2 },
    { label: t('parts.held'), n: n.held, color: 4, pattern: 'stripes' },
  ]
  const response: Part[] = [
    { label: t('parts.answered'), n: n.answered, color: 3 },
    { label: t('parts.unanswered'), n: n.accepted - n.answered, color: 4, pattern: 'dots' },
  ]
  const rows = (parts: { label: string; n: number }[]) => parts.map((p) => ({ label: p.label, n: p.n }))
  return (
    <Stack>
      <ChartFrame
        title={t('chart.overTime')}
        summary={t('chart.overTimeSummary', { sent: count(n.sent), failed: count(n.refused + n.held), replied: count(n.replied), zone })}
        labels={t(data.step === 'hour' ? 'chart.hour' : 'chart.day')}
        series={series}
        data={overTime}
        file="messages-over-time"
      >
        <Chart title={t('chart.overTime')} series={series} data={overTime} ticks={ticks} stacked />
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
