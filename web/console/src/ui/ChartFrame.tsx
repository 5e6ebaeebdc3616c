import { Button, Group, Paper, SegmentedControl, Stack, Table, Text, Title } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { type ReactNode, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { saveText, toCSV } from '@/lib/download'
import { count } from '@/lib/format'

/** One column of the data behind a chart. */
export type Series = { key: string; name: string }

export type Datum = { label: string } & Record<string, number | string>

type Props = {
  title: string
  /** One sentence that says what the chart shows. */
  summary: string
  /** What the labels of the rows are: hour, day, zone … */
  labels: string
  series: Series[]
  data: Datum[]
  file: string
  children: ReactNode
}

/** Title, summary, the same numbers as a table, and as CSV: around every chart. */
export function ChartFrame({ title, summary, labels, series, data, file, children }: Props) {
  const { t } = useTranslation('frame')
  const [view, setView] = useState('chart')
  const id = useId()
  const csv = () =>
    saveText(
      `${file}.csv`,
      toCSV([[labels, ...series.map((s) => s.name)], ...data.map((d) => [d.label, ...series.map((s) => d[s.key] ?? 0)])]),
      'text/csv',
    )
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-labelledby={id}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <Title order={2} fz="md" id={id}>
            {title}
          </Title>
          <Group gap="xs">
            <SegmentedControl
              size="xs"
              value={view}
              onChange={setView}
              aria-label={t('chart.view')}
              data={[
                { value: 'chart', label: t('chart.chart') },
                { value: 'table', label: t('chart.table') },
              ]}
            />
            <Button size="xs" variant="default" leftSection={<IconDownload size={14} aria-hidden />} onClick={csv}>
              CSV
            </Button>
          </Group>
        </Group>
        <Text size="sm" c="dimmed">
          {summary}
        </Text>
        {view === 'chart' ? (
          children
        ) : (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard
          <section style={{ overflow: 'auto', maxHeight: 320 }} tabIndex={0} aria-label={title}>
            <Table stickyHeader>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{labels}</Table.Th>
                  {series.map((s) => (
                    <Table.Th key={s.key} className="number">
                      {s.name}
                    </Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.map((d) => (
                  <Table.Tr key={d.label}>
                    <Table.Td>{d.label}</Table.Td>
                    {series.map((s) => (
                      <Table.Td key={s.key} className="number">
                        {typeof d[s.key] === 'number' ? count(d[s.key] as number) : (d[s.key] ?? '—')}
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </section>
        )}
      </Stack>
    </Paper>
  )
}
