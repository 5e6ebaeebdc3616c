import { Group, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { clock, count, dateTime, ownZone } from '@/lib/format'

type Zone = Schemas['ForecastZone']

const most = 6

/** What the window means for the largest zones of the list: what their clocks say at the start, and when they may get it. */
export function ZoneMeaning({ forecast: f }: { forecast: Schemas['Forecast'] | undefined }) {
  const { t } = useTranslation('wizard')
  if (!f || f.zones.length === 0) return null
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600} id="zones">
        {t('zones.title', { at: dateTime(f.start_at), zone: ownZone() })}
      </Text>
      <Stack component="ul" gap={0} p={0} m={0} style={{ listStyle: 'none' }} aria-labelledby="zones">
        {f.zones.slice(0, most).map((z) => (
          <Group
            component="li"
            key={z.zones.join()}
            justify="space-between"
            gap="xs"
            py={6}
            style={{ borderBottom: '1px solid var(--mantine-color-default-border)' }}
          >
            <div style={{ minWidth: 0 }}>
              <Text size="sm" fw={500} style={{ overflowWrap: 'anywhere' }}>
                {z.zones.join(' + ') || t('zones.unknown')}
              </Text>
              <Text size="xs" c="dimmed">
                {t('zones.people', { n: count(z.recipients), count: z.recipients })}
                {z.zones[0] ? ` · ${t('zones.clock', { at: clock(f.start_at, z.zones[0]) })}` : ''}
              </Text>
            </div>
            <Goes zone={z} />
          </Group>
        ))}
      </Stack>
      {f.zones.length > most && (
        <Text size="xs" c="dimmed">
          {t('zones.more', { count: f.zones.length - most })}
        </Text>
      )}
    </Stack>
  )
}

function Goes({ zone: z }: { zone: Zone }) {
  const { t } = useTranslation('wizard')
  const waiting = z.held > 0 && z.held_until
  return (
    <Text size="sm" ta="right" ml="auto">
      {waiting
        ? t(z.held === z.recipients ? 'zones.allWait' : 'zones.waits', { n: count(z.held), at: dateTime(z.held_until, z.zones[0]) })
        : t(z.sent > 0 ? 'zones.now' : 'zones.never')}
    </Text>
  )
}
