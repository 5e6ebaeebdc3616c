import { Alert, Button, Group, NumberInput, Select, SimpleGrid, Stack, Switch, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { confirm } from '@/ui/confirm'
import { PackList } from './PackList'
import { newest, type Policy, same } from './policy'
import { Trial } from './Trial'

type Props = { active: Policy; packs: Schemas['Pack'][]; readOnly: boolean }

/** Choose packs and a frequency cap, try them on a list, then make them the account's. */
export function PolicyEditor({ active, packs, readOnly }: Props) {
  const { t } = useTranslation(['admin', 'frame'])
  const fresh = useFresh('/v1/policy')
  const [draft, edit] = useState<Policy>()
  const policy = draft ?? active
  const changed = !same(active, policy, packs)
  const activate = () =>
    confirm({
      title: t('policy.activateTitle'),
      text: t('policy.activateText'),
      action: t('policy.activate'),
      do: async () => {
        await api.PUT('/v1/policy', { body: policy })
        await fresh()
        edit(undefined)
      },
    })
  const cap = (next: Partial<Schemas['Cap']>) => edit({ ...policy, cap: { max: 3, hours: 24, ...policy.cap, ...next } })
  return (
    <Stack>
      <PackList packs={newest(packs)} policy={policy} readOnly={readOnly} onChange={edit} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Select
          label={t('policy.min')}
          description={t('policy.minHint')}
          allowDeselect={false}
          readOnly={readOnly}
          data={(['low', 'medium', 'high'] as const).map((value) => ({ value, label: t(`policy.minOf.${value}`) }))}
          value={policy.min_confidence ?? 'low'}
          onChange={(v) => edit({ ...policy, min_confidence: v as Policy['min_confidence'] })}
        />
        <Select
          label={t('policy.over')}
          description={t('policy.overHint')}
          allowDeselect={false}
          readOnly={readOnly}
          data={(['suppress', 'hold'] as const).map((value) => ({ value, label: t(`policy.overOf.${value}`) }))}
          value={policy.over_cap ?? 'suppress'}
          onChange={(v) => edit({ ...policy, over_cap: v as Policy['over_cap'] })}
        />
      </SimpleGrid>
      <Switch
        label={t('policy.frequency')}
        description={t('policy.frequencyHint')}
        checked={Boolean(policy.cap)}
        disabled={readOnly}
        onChange={(e) => (e.currentTarget.checked ? cap({}) : edit({ ...policy, cap: undefined }))}
      />
      {policy.cap && (
        <Group align="flex-end">
          <NumberInput
            label={t('policy.capMax')}
            min={1}
            max={1000}
            allowDecimal={false}
            readOnly={readOnly}
            value={policy.cap.max}
            onChange={(v) => cap({ max: Number(v) || 1 })}
          />
          <NumberInput
            label={t('policy.capHours')}
            min={1}
            max={744}
            allowDecimal={false}
            readOnly={readOnly}
            value={policy.cap.hours}
            onChange={(v) => cap({ hours: Number(v) || 1 })}
          />
        </Group>
      )}
      <Title order={3} fz="md">
        {t('policy.trial')}
      </Title>
      <Trial policy={policy} />
      {changed && (
        <Alert variant="outline" color="orange" title={t('policy.changed')}>
          <Text size="sm">{t('policy.changedText')}</Text>
          <Group mt="sm">
            {!readOnly && <Button onClick={activate}>{t('policy.activate')}</Button>}
            <Button variant="default" onClick={() => edit(undefined)}>
              {t('account.discard')}
            </Button>
          </Group>
        </Alert>
      )}
    </Stack>
  )
}
