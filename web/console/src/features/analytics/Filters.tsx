import { Chip, Group, MultiSelect, Paper, Select, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { channels, ranges, type Selection } from './search'

type Props = { selection: Selection; zone?: string; onChange: (next: Partial<Selection>) => void }

const all = { params: { query: { limit: 200 } } }
const zones = Intl.supportedValuesOf('timeZone')

/** What the page is about. An empty choice means all. */
export function Filters({ selection: s, zone, onChange }: Props) {
  const { t } = useTranslation('analytics')
  const skills = hooks.useQuery('get', '/v1/skills', all, { staleTime: 60_000 })
  const senders = hooks.useQuery('get', '/v1/senders', all, { staleTime: 60_000 })
  const campaigns = hooks.useQuery('get', '/v1/campaigns', all, { staleTime: 60_000 })
  const some = (list: string[]) => (list.length > 0 ? list : undefined)
  const listed = new Set(campaigns.data?.items.map((c) => c.id))
  const more = (s.campaign ?? []).filter((id) => !listed.has(id)).map((id) => ({ value: id, label: id }))
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-label={t('filters')}>
      <Stack gap="sm">
        <Group gap={6} role="group" aria-label={t('range')}>
          {ranges.map((range) => (
            <Chip key={range} size="xs" type="radio" name="range" checked={s.range === range} onChange={() => onChange({ range })}>
              {t(`ranges.${range}`)}
            </Chip>
          ))}
        </Group>
        {s.range === 'custom' && (
          <Group gap="sm">
            <TextInput
              type="date"
              label={t('from')}
              value={s.from}
              max={s.to}
              onChange={(e) => onChange({ from: e.currentTarget.value || undefined })}
            />
            <TextInput
              type="date"
              label={t('to')}
              value={s.to}
              min={s.from}
              onChange={(e) => onChange({ to: e.currentTarget.value || undefined })}
            />
          </Group>
        )}
        <SimpleGrid cols={{ base: 1, xs: 2, lg: 5 }} spacing="sm">
          <MultiSelect
            label={t('skills')}
            placeholder={s.skill ? undefined : t('all')}
            searchable
            clearable
            data={(skills.data?.items ?? []).map((x) => ({ value: x.id, label: x.name }))}
            value={s.skill ?? []}
            onChange={(skill) => onChange({ skill: some(skill) })}
          />
          <MultiSelect
            label={t('channel')}
            placeholder={s.channel ? undefined : t('all')}
            clearable
            data={channels.map((c) => ({ value: c, label: t(`channels.${c}`) }))}
            value={s.channel ?? []}
            onChange={(channel) => onChange({ channel: some(channel) as Selection['channel'] })}
          />
          <MultiSelect
            label={t('sender')}
            placeholder={s.sender ? undefined : t('all')}
            searchable
            clearable
            data={(senders.data?.items ?? []).map((x) => ({ value: x.id, label: `${x.name} (${x.address})` }))}
            value={s.sender ?? []}
            onChange={(sender) => onChange({ sender: some(sender) })}
          />
          <MultiSelect
            label={t('campaign')}
            placeholder={s.campaign ? undefined : t('all')}
            searchable
            clearable
            data={[...(campaigns.data?.items ?? []).map((x) => ({ value: x.id, label: x.name })), ...more]}
            value={s.campaign ?? []}
            onChange={(campaign) => onChange({ campaign: some(campaign) })}
          />
          <Select
            label={t('zone')}
            placeholder={zone ?? t('accountZone')}
            searchable
            clearable
            limit={60}
            data={s.zone && !zones.includes(s.zone) ? [s.zone, ...zones] : zones}
            value={s.zone ?? null}
            onChange={(next) => onChange({ zone: next ?? undefined })}
          />
        </SimpleGrid>
        <Switch size="sm" label={t('compare')} checked={s.compare} onChange={(e) => onChange({ compare: e.currentTarget.checked })} />
      </Stack>
    </Paper>
  )
}
