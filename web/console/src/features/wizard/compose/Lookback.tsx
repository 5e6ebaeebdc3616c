import { Fieldset, Group, NumberInput, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { DraftHandle } from '../useDraft'

/** How long an answer belongs to the campaign, in days and hours. */
export function Lookback({ draft: { values, set, error }, editable }: { draft: DraftHandle; editable: boolean }) {
  const { t } = useTranslation('wizard')
  const days = Math.floor(values.lookback_hours / 24)
  const hours = values.lookback_hours % 24
  const put = (d: number | string, h: number | string) => {
    if (typeof d === 'number' && typeof h === 'number') set({ lookback_hours: d * 24 + h })
  }
  return (
    <Fieldset legend={t('field.lookback_hours')} data-field="lookback_hours" p="sm">
      <Text size="sm" c="dimmed" mb="xs">
        {t('compose.lookbackHint')}
      </Text>
      <Group gap="sm" align="flex-start">
        <NumberInput
          label={t('compose.days')}
          w={100}
          min={0}
          max={30}
          clampBehavior="strict"
          disabled={!editable}
          value={days}
          onChange={(v) => put(v, hours)}
        />
        <NumberInput
          label={t('compose.hours')}
          w={100}
          min={0}
          max={23}
          clampBehavior="strict"
          disabled={!editable}
          value={hours}
          onChange={(v) => put(days, v)}
        />
      </Group>
      {error('lookback_hours') && (
        <Text size="sm" c="var(--mantine-color-error)">
          {error('lookback_hours')}
        </Text>
      )}
    </Fieldset>
  )
}
