import { List, SimpleGrid, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, dateTime, micros, ownZone } from '@/lib/format'
import { ChartFrame } from '@/ui/ChartFrame'
import { Chart, type Row } from '@/ui/chart/Chart'
import { Metric } from '@/ui/Metric'
import { hourLabels, hourTicks } from './hours'
import { skippedOf } from './skipped'
import { ZoneTable } from './ZoneTable'

type Forecast = Schemas['Forecast']

/** What will happen, as a picture: per hour sent, waiting for a window, skipped; per zone when it goes; and the reasons in words. */
export function ForecastPicture({ forecast: f }: { forecast: Forecast }) {
  const { t } = useTranslation('forecast')
  const skipped = skippedOf(f.skipped)
  const starts = f.hours.map((h) => h.start)
  const labels = hourLabels(starts)
  const data = f.hours.map((h, i) => ({ label: labels[i] ?? '', sent: h.sent, held: h.held, skipped: skippedOf(h.skipped) }))
  const series: Row[] = [
    { key: 'sent', name: t('sent'), color: 1 },
    { key: 'held', name: t('held'), color: 4, pattern: 'dots' },
    { key: 'skipped', name: t('skipped'), color: 2, pattern: 'stripes' },
  ]
  return (
    <Stack>
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Metric title={t('sent')} definition={t('define.sent')} part={f.sent} whole={f.recipients} />
        <Metric title={t('skipped')} definition={t('define.skipped')} part={skipped} whole={f.recipients} />
        <Metric
          title={t('segments')}
          definition={t('define.segments')}
          part={f.segments}
          note={f.currency ? micros(f.cost_micros, f.currency) : t('noPrices')}
        />
        <Metric title={t('hours')} definition={t('define.hours')} part={f.hours.length} note={t('until', { at: dateTime(f.finish_at) })} />
      </SimpleGrid>
      {f.words.length > 0 && (
        <List size="sm" spacing={4}>
          {f.words.map((words) => (
            <List.Item key={words}>{words}</List.Item>
          ))}
        </List>
      )}
      <ChartFrame
        title={t('chart')}
        summary={t('summary', { sent: count(f.sent), skipped: count(skipped), at: dateTime(f.finish_at), zone: ownZone() })}
        labels={t('hour')}
        series={series}
        data={data}
        file="forecast"
      >
        <Chart title={t('chart')} series={series} data={data} ticks={hourTicks(starts)} stacked />
      </ChartFrame>
      <ZoneTable zones={f.zones} />
      {f.notes.length > 0 && (
        <Text size="xs" c="dimmed">
          {f.notes.join(' ')}
        </Text>
      )}
    </Stack>
  )
}
