import '@mantine/charts/styles.css'
import { BarChart } from '@mantine/charts'
import { Badge, Group, List, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, dateTime, micros, ownZone } from '@/lib/format'
import { ChartFrame } from '@/ui/ChartFrame'
import { Metric } from '@/ui/Metric'
import { hourLabels } from './hours'

type Forecast = Schemas['Forecast']

export const skippedOf = (skipped: Record<string, number> | undefined): number => Object.values(skipped ?? {}).reduce((a, b) => a + b, 0)

/** What will happen, as a picture: per hour sent, waiting for a window, skipped; per zone when it goes; and the reasons in words. */
export function ForecastPicture({ forecast: f }: { forecast: Forecast }) {
  const { t } = useTranslation('forecast')
  const skipped = skippedOf(f.skipped)
  const labels = hourLabels(f.hours.map((h) => h.start))
  const data = f.hours.map((h, i) => ({ label: labels[i] ?? '', sent: h.sent, held: h.held, skipped: skippedOf(h.skipped) }))
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
        series={[
          { key: 'sent', name: t('sent') },
          { key: 'held', name: t('held') },
          { key: 'skipped', name: t('skipped') },
        ]}
        data={data}
        file="forecast"
      >
        <BarChart
          h={260}
          data={data}
          dataKey="label"
          type="stacked"
          withLegend
          gridAxis="y"
          strokeDasharray="2 4"
          barProps={{ stroke: 'var(--mantine-color-body)', strokeWidth: 1 }}
          series={[
            { name: 'sent', label: t('sent'), color: 'var(--chart-1)' },
            { name: 'held', label: t('held'), color: 'var(--chart-4)' },
            { name: 'skipped', label: t('skipped'), color: 'var(--chart-2)' },
          ]}
        />
      </ChartFrame>
      <div>
        <Title order={3} fz="sm" mb={4}>
          {t('byZone')}
        </Title>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
        <section style={{ overflow: 'auto', maxHeight: 320 }} tabIndex={0} aria-label={t('byZone')}>
          <Table stickyHeader>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('zone')}</Table.Th>
                <Table.Th className="number">{t('people')}</Table.Th>
                <Table.Th className="number">{t('sent')}</Table.Th>
                <Table.Th className="number">{t('skipped')}</Table.Th>
                <Table.Th>{t('firstLast')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {f.zones.map((z) => (
                <Table.Tr key={z.zones.join()}>
                  <Table.Td>
                    <Group gap={6}>
                      <Text size="sm">{z.zones.length > 0 ? z.zones.join(' + ') : t('unknownZone')}</Text>
                      {z.held_until && (
                        <Badge variant="outline" color="gray" tt="none">
                          {t('heldUntil', { at: dateTime(z.held_until) })}
                        </Badge>
                      )}
                    </Group>
                  </Table.Td>
                  <Table.Td className="number">{count(z.recipients)}</Table.Td>
                  <Table.Td className="number">{count(z.sent)}</Table.Td>
                  <Table.Td className="number">{count(skippedOf(z.skipped))}</Table.Td>
                  <Table.Td>
                    {dateTime(z.first_send_at)} – {dateTime(z.last_send_at)}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </section>
      </div>
      {f.notes.length > 0 && (
        <Text size="xs" c="dimmed">
          {f.notes.join(' ')}
        </Text>
      )}
    </Stack>
  )
}
