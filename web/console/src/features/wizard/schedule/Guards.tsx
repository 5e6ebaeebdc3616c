import { Input, NumberInput, Select, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { span } from '@/lib/format'
import type { DraftHandle } from '../useDraft'
import { percentsOf } from './moment'
import { Section } from './Section'

type Rails = Schemas['Rails']
type Props = { draft: DraftHandle; editable: boolean }

const firstCanary: Schemas['Canary'] = { recipients: 100, wait_minutes: 10, failed_percent: 10, opted_out_percent: 5, unknown_percent: 10 }
const firstRamp: Schemas['Ramp'] = { percents: [10, 25, 50, 100], step_minutes: 15 }
const undoChoices = [0, 10, 30, 60, 300, 900]

/** What stops the campaign by itself, and the seconds in which it can be taken back. */
export function Guards({ draft: { values, set, error }, editable }: Props) {
  const { t } = useTranslation('wizard')
  const rails = values.rails
  const put = (change: Partial<Rails>) => set({ rails: { ...rails, ...change } })
  const undo = undoChoices.includes(values.undo_seconds) ? undoChoices : [...undoChoices, values.undo_seconds].sort((a, b) => a - b)
  return (
    <Section title={t('guards.title')} hint={t('guards.hint')}>
      <Select
        data-field="undo_seconds"
        label={t('field.undo_seconds')}
        description={t('guards.undoHint')}
        maw={320}
        allowDeselect={false}
        disabled={!editable}
        data={undo.map((s) => ({ value: String(s), label: s === 0 ? t('guards.noUndo') : span(s) }))}
        value={String(values.undo_seconds)}
        error={error('undo_seconds')}
        onChange={(v) => v !== null && set({ undo_seconds: Number(v) })}
      />
      <Stack gap="xs" data-field="rails">
        <Switch
          label={t('guards.canary')}
          description={t('guards.canaryHint')}
          disabled={!editable}
          checked={Boolean(rails.canary)}
          onChange={(e) => put({ canary: e.currentTarget.checked ? firstCanary : undefined })}
        />
        {rails.canary && <Canary canary={rails.canary} editable={editable} onChange={(canary) => put({ canary })} />}
        {error('rails') && <Input.Error>{error('rails')}</Input.Error>}
      </Stack>
      <Stack gap="xs">
        <Switch
          label={t('guards.ramp')}
          description={t('guards.rampHint')}
          disabled={!editable}
          checked={Boolean(rails.ramp)}
          onChange={(e) => put({ ramp: e.currentTarget.checked ? firstRamp : undefined })}
        />
        {rails.ramp && <RampInputs ramp={rails.ramp} editable={editable} onChange={(ramp) => put({ ramp })} />}
      </Stack>
      <Stack gap="xs">
        <Switch
          label={t('guards.spend')}
          description={t('guards.spendHint')}
          disabled={!editable}
          checked={Boolean(rails.segments)}
          onChange={(e) => put({ segments: e.currentTarget.checked ? 10_000 : undefined })}
        />
        {rails.segments !== undefined && rails.segments > 0 && (
          <NumberInput
            label={t('guards.segments')}
            maw={240}
            min={1}
            allowDecimal={false}
            thousandSeparator=" "
            disabled={!editable}
            value={rails.segments}
            onChange={(v) => typeof v === 'number' && v > 0 && put({ segments: v })}
          />
        )}
      </Stack>
    </Section>
  )
}

type CanaryProps = { canary: Schemas['Canary']; editable: boolean; onChange: (canary: Schemas['Canary']) => void }

function Canary({ canary, editable, onChange }: CanaryProps) {
  const { t } = useTranslation('wizard')
  const byShare = Boolean(canary.percent)
  const { recipients, percent, ...limits } = canary
  const number = (key: 'wait_minutes' | 'failed_percent' | 'opted_out_percent' | 'unknown_percent', max: number) => (
    <NumberInput
      label={t(`guards.${key}`)}
      min={0}
      max={max}
      allowDecimal={false}
      disabled={!editable}
      value={canary[key] ?? 0}
      onChange={(v) => typeof v === 'number' && onChange({ ...canary, [key]: v })}
    />
  )
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} verticalSpacing="xs" style={{ alignItems: 'end' }}>
      <Select
        label={t('guards.size')}
        allowDeselect={false}
        disabled={!editable}
        data={[
          { value: 'people', label: t('guards.people') },
          { value: 'share', label: t('guards.share') },
        ]}
        value={byShare ? 'share' : 'people'}
        onChange={(v) => onChange(v === 'share' ? { ...limits, percent: 1 } : { ...limits, recipients: 100 })}
      />
      <NumberInput
        label={t(byShare ? 'guards.share' : 'guards.people')}
        min={1}
        max={byShare ? 100 : 1_000_000}
        allowDecimal={false}
        disabled={!editable}
        value={(byShare ? percent : recipients) ?? 1}
        onChange={(v) => typeof v === 'number' && v >= 1 && onChange({ ...limits, ...(byShare ? { percent: v } : { recipients: v }) })}
      />
      {number('wait_minutes', 10_080)}
      {number('failed_percent', 100)}
      {number('opted_out_percent', 100)}
      {number('unknown_percent', 100)}
    </SimpleGrid>
  )
}

type RampProps = { ramp: Schemas['Ramp']; editable: boolean; onChange: (ramp: Schemas['Ramp']) => void }

function RampInputs({ ramp, editable, onChange }: RampProps) {
  const { t } = useTranslation('wizard')
  const [typed, setTyped] = useState<string>()
  const wrong = typed !== undefined && percentsOf(typed) === undefined
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} verticalSpacing="xs">
      <TextInput
        label={t('guards.percents')}
        description={t('guards.percentsHint')}
        disabled={!editable}
        value={typed ?? ramp.percents.join(', ')}
        error={wrong ? t('guards.percentsWrong') : undefined}
        onChange={(e) => {
          setTyped(e.currentTarget.value)
          const percents = percentsOf(e.currentTarget.value)
          if (percents) onChange({ ...ramp, percents })
        }}
        onBlur={() => setTyped(undefined)}
      />
      <NumberInput
        label={t('guards.step_minutes')}
        description={t('guards.stepHint')}
        min={1}
        max={10_080}
        allowDecimal={false}
        disabled={!editable}
        value={ramp.step_minutes}
        onChange={(v) => typeof v === 'number' && v >= 1 && onChange({ ...ramp, step_minutes: v })}
      />
    </SimpleGrid>
  )
}
