import { Accordion, Anchor, Badge, Box, Checkbox, Group, Stack, Table, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { runs } from '@/ui/window'
import { choose, type Policy } from './policy'

type Props = { packs: Schemas['Pack'][]; policy: Policy; readOnly: boolean; onChange: (policy: Policy) => void }

/** Every pack with its rules: where, when, how often, how sure, and by what source. */
export function PackList({ packs, policy, readOnly, onChange }: Props) {
  const { t } = useTranslation('admin')
  return (
    <Stack gap="sm">
      {packs.map((pack) => {
        const chosen = policy.packs.find((p) => p.name === pack.name)
        const old = chosen?.version && chosen.version !== pack.version
        const title = t(`policy.pack.${pack.name}`, { defaultValue: pack.title })
        return (
          <Stack key={pack.name} gap={4}>
            <Checkbox
              label={`${title} (${pack.name} ${pack.version})`}
              description={t('policy.packHint', { n: pack.rules.length, at: pack.as_of })}
              checked={Boolean(chosen)}
              disabled={readOnly}
              onChange={(e) => onChange(choose(policy, pack.name, e.currentTarget.checked))}
            />
            {old && (
              <Group gap="xs">
                <Text size="sm">{t('policy.older', { version: chosen.version })}</Text>
                {!readOnly && (
                  <Anchor component="button" type="button" size="sm" onClick={() => onChange(choose(policy, pack.name, true))}>
                    {t('policy.takeNewer', { version: pack.version })}
                  </Anchor>
                )}
              </Group>
            )}
            <Accordion variant="contained" chevronPosition="left">
              <Accordion.Item value="rules">
                <Accordion.Control>
                  <Text size="sm">{t('policy.rulesOf', { title })}</Text>
                </Accordion.Control>
                <Accordion.Panel>
                  <Text size="xs" c="dimmed" mb="xs">
                    {pack.disclaimer}
                  </Text>
                  <RuleTable pack={pack} title={title} />
                </Accordion.Panel>
              </Accordion.Item>
            </Accordion>
          </Stack>
        )
      })}
    </Stack>
  )
}

const sure = { high: 'teal.9', medium: 'orange.9', low: 'gray.7' } as const

function RuleTable({ pack, title }: { pack: Schemas['Pack']; title: string }) {
  const { t } = useTranslation('admin')
  const hours = (r: Schemas['PackRule']) =>
    runs(r.hours)
      .map((s) => `${t(`policy.day.${s.first}`)}${s.first === s.last ? '' : `–${t(`policy.day.${s.last}`)}`} ${s.from}–${s.to}`)
      .join(', ') || t('policy.anyHour')
  return (
    <Box component="section" style={{ overflow: 'auto', maxHeight: 420 }} tabIndex={0} aria-label={t('policy.rulesOf', { title })}>
      <Table stickyHeader miw={720} verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('policy.area')}</Table.Th>
            <Table.Th>{t('policy.hours')}</Table.Th>
            <Table.Th>{t('policy.cap')}</Table.Th>
            <Table.Th>{t('policy.confidence')}</Table.Th>
            <Table.Th>{t('policy.cite')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {pack.rules.map((r) => (
            <Table.Tr key={r.id} style={{ verticalAlign: 'top' }}>
              <Table.Th scope="row" fw={500}>
                {r.area}
              </Table.Th>
              <Table.Td>
                {hours(r)}
                {r.holidays_banned && (
                  <Text size="xs" c="dimmed">
                    {t('policy.notOnHolidays')}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>{r.cap ? t('policy.capOf', { n: r.cap.max, h: r.cap.hours }) : '—'}</Table.Td>
              <Table.Td>
                <Badge color={sure[r.confidence]} variant="filled" tt="none">
                  {t(`policy.sure.${r.confidence}`)}
                </Badge>
              </Table.Td>
              <Table.Td maw={320} style={{ overflowWrap: 'anywhere' }}>
                <Text size="xs">{r.cite || r.source || '—'}</Text>
                {(r.gap || r.note) && (
                  <Text size="xs" c="dimmed">
                    {[r.gap, r.note].filter(Boolean).join(' · ')}
                  </Text>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}
