import { Badge, Group, Stack, Table, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, dateTime, dateTimeRange } from '@/lib/format'
import { useNarrow } from '@/ui/useNarrow'
import { skippedOf } from './skipped'

type Zone = Schemas['ForecastZone']

/** When it goes where: a table, or on narrow screens a list with the same words and numbers. */
export function ZoneTable({ zones }: { zones: Zone[] }) {
  const { t } = useTranslation('forecast')
  const narrow = useNarrow()
  return (
    <div>
      <Title order={3} fz="sm" mb={4}>
        {t('byZone')}
      </Title>
      {narrow ? <Cards zones={zones} /> : <Rows zones={zones} />}
    </div>
  )
}

const keyOf = (z: Zone): string => z.zones.join()

function Rows({ zones }: { zones: Zone[] }) {
  const { t } = useTranslation('forecast')
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard
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
          {zones.map((z) => (
            <Table.Tr key={keyOf(z)}>
              <Table.Td>
                <Name zone={z} />
              </Table.Td>
              <Table.Td className="number">{count(z.recipients)}</Table.Td>
              <Table.Td className="number">{count(z.sent)}</Table.Td>
              <Table.Td className="number">{count(skippedOf(z.skipped))}</Table.Td>
              <Table.Td>{firstLast(z)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}

function Cards({ zones }: { zones: Zone[] }) {
  const { t } = useTranslation('forecast')
  return (
    <Stack component="ul" role="list" aria-label={t('byZone')} gap={0} p={0} m={0} style={{ listStyle: 'none' }}>
      {zones.map((z) => (
        <Stack component="li" key={keyOf(z)} gap={2} className="problem">
          <Name zone={z} />
          <Group gap="sm" component="dl" m={0}>
            {[
              [t('people'), z.recipients],
              [t('sent'), z.sent],
              [t('skipped'), skippedOf(z.skipped)],
            ].map(([name, n]) => (
              <Group key={name} gap={4}>
                <Text component="dt" size="xs" c="dimmed">
                  {name}
                </Text>
                <Text component="dd" size="sm" m={0}>
                  {count(Number(n))}
                </Text>
              </Group>
            ))}
          </Group>
          <Text size="sm">{firstLast(z)}</Text>
        </Stack>
      ))}
    </Stack>
  )
}

function Name({ zone: z }: { zone: Zone }) {
  const { t } = useTranslation('forecast')
  return (
    <Group gap={6}>
      <Text size="sm" className="said">
        {z.zones.length > 0 ? z.zones.join(' + ') : t('unknownZone')}
      </Text>
      {z.held_until && (
        <Badge variant="outline" color="gray" tt="none">
          {t('heldUntil', { at: dateTime(z.held_until) })}
        </Badge>
      )}
    </Group>
  )
}

const firstLast = (z: Zone): string => dateTimeRange(z.first_send_at, z.last_send_at)
