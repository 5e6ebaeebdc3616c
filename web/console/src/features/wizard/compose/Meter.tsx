import { Group, Paper, SimpleGrid, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, micros } from '@/lib/format'
import { Definition } from '@/ui/Definition'
import { Trouble } from '@/ui/Trouble'
import type { DraftHandle } from '../useDraft'
import { useForecast } from '../useForecast'
import { useList } from './useList'

type Measure = Schemas['Measure']
type Props = { draft: DraftHandle; measure: { data: Measure | undefined; error: unknown; isFetching: boolean; refetch: () => unknown } }

/** What the text comes to: in itself, on the longest row of the list, and for everybody. */
export function Meter({ draft, measure }: Props) {
  const { t } = useTranslation('wizard')
  const list = useList(draft.base.id)
  const forecast = useForecast(draft, { whenChecked: true })
  const m = measure.data
  if (measure.error && !m) return <Trouble error={measure.error} retry={() => void measure.refetch()} />
  const f = forecast.data
  const priced = f?.currency !== undefined && f.segments > 0
  const each = priced ? f.cost_micros / Math.max(1, f.segments - (f.unpriced_segments ?? 0)) : 0
  return (
    <section aria-label={t('meter.title')} aria-busy={measure.isFetching}>
      <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="xs">
        <Cell
          name={t('meter.characters')}
          value={m ? count(m.characters) : '—'}
          bad={m ? m.available < 0 : false}
          note={m && (m.available < 0 ? t('meter.over', { n: count(-m.available) }) : t('meter.left', { n: count(m.available) }))}
          define={m && t('meter.defineCharacters', { limit: count(m.limit), reserved: count(m.reserved) })}
        />
        <Cell
          name={t('meter.encoding')}
          value={m?.encoding ?? '—'}
          note={m && t(m.encoding === 'GSM-7' ? 'meter.gsm' : 'meter.ucs')}
          define={t('meter.defineEncoding')}
        />
        <Cell
          name={t('meter.segments')}
          value={m ? count(m.segments) : '—'}
          bad={m ? !m.allowed : false}
          note={m && (m.allowed ? t('meter.units', { n: count(m.units) }) : t('meter.notAllowed'))}
          define={t('meter.defineSegments')}
        />
        <Cell
          name={t('meter.worst')}
          value={list.worst ? t('meter.segmentsOf', { count: list.worst.segments }) : '—'}
          note={
            list.worst
              ? `${t('meter.row', { row: count(list.worst.row) })}${priced ? ` · ≈ ${micros(list.worst.segments * each, f.currency ?? '')}` : ''}`
              : t('meter.noList')
          }
          define={t('meter.defineWorst')}
        />
        <Cell
          name={t('meter.all')}
          value={
            f ? t('meter.segmentsOf', { count: f.segments }) : list.segments > 0 ? t('meter.segmentsOf', { count: list.segments }) : '—'
          }
          note={f ? t('meter.people', { n: count(f.sent), of: count(f.recipients) }) : undefined}
          define={t('meter.defineAll')}
        />
        <Cell
          name={t('meter.cost')}
          value={priced ? micros(f.cost_micros, f.currency ?? '') : '—'}
          note={
            forecast.isFetching
              ? t('meter.counting')
              : f && !priced
                ? t('meter.noPrices')
                : f?.unpriced_segments
                  ? t('meter.unpriced', { n: count(f.unpriced_segments) })
                  : undefined
          }
          define={t('meter.defineCost')}
        />
      </SimpleGrid>
    </section>
  )
}

type CellProps = { name: string; value: string; note?: ReactNode; define?: string; bad?: boolean }

function Cell({ name, value, note, define, bad }: CellProps) {
  const color = bad ? 'var(--mantine-color-error)' : undefined
  return (
    <Paper withBorder p="xs" radius="md">
      <Group justify="space-between" gap={4} wrap="nowrap">
        <Text size="xs" c="dimmed">
          {name}
        </Text>
        {define && <Definition of={name}>{define}</Definition>}
      </Group>
      <Text fw={650} className="number" ta="left" c={color}>
        {value}
      </Text>
      <Text size="xs" c={color ?? 'dimmed'}>
        {note ?? '\u00a0'}
      </Text>
    </Paper>
  )
}
