import { Group, Radio, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { dateTime, ownZone } from '@/lib/format'
import type { DraftHandle } from '../useDraft'
import { fromInput, soon, toInput } from './moment'
import { Section } from './Section'

/** Now or at a time, said in the zone of who looks and in the account's own. */
export function When({ draft: { values, set, error }, editable }: { draft: DraftHandle; editable: boolean }) {
  const { t } = useTranslation('wizard')
  const at = values.launch_at
  return (
    <Section title={t('when.title')}>
      <div data-field="launch_at">
        <Radio.Group
          aria-label={t('when.title')}
          value={at ? 'later' : 'now'}
          onChange={(v) => set({ launch_at: v === 'later' ? at || soon() : '' })}
        >
          <Stack gap="xs">
            <Radio value="now" label={t('when.now')} description={t('when.nowHint')} disabled={!editable} />
            <Radio value="later" label={t('when.later')} description={t('when.laterHint')} disabled={!editable} />
          </Stack>
        </Radio.Group>
        {at && (
          <Stack gap={4} mt="sm">
            <MomentInput
              label={t('when.at', { zone: ownZone() })}
              value={at}
              error={error('launch_at')}
              disabled={!editable}
              onChange={(v) => set({ launch_at: v })}
            />
            <Elsewhere at={at} />
          </Stack>
        )}
      </div>
      <Validity values={values} error={error('expires_at')} editable={editable} onChange={(expires_at) => set({ expires_at })} />
    </Section>
  )
}

/** The same moment on the account's clock, and in UTC. */
export function Elsewhere({ at }: { at: string }) {
  const { t } = useTranslation('wizard')
  const { data: account } = hooks.useQuery('get', '/v1/account', {}, { staleTime: 60_000 })
  const zones = [...new Set([account?.time_zone ?? 'UTC', 'UTC'])].filter((z) => z !== ownZone())
  return (
    <Text size="sm" c="dimmed">
      {zones.map((zone) => t('when.elsewhere', { at: dateTime(at, zone), zone })).join(' · ')}
    </Text>
  )
}

type ValidityProps = { values: DraftHandle['values']; error: string | undefined; editable: boolean; onChange: (at: string) => void }

function Validity({ values, error, editable, onChange }: ValidityProps) {
  const { t } = useTranslation('wizard')
  const at = values.expires_at
  const offered = () => new Date(new Date(values.launch_at || Date.now()).getTime() + 48 * 3_600_000).toISOString()
  return (
    <div data-field="expires_at">
      <Radio.Group
        label={t('when.validity')}
        description={t('when.validityHint')}
        value={at ? 'until' : 'open'}
        onChange={(v) => onChange(v === 'until' ? at || soon(new Date(offered())) : '')}
      >
        <Group gap="lg" mt="xs">
          <Radio value="open" label={t('when.validOpen')} disabled={!editable} />
          <Radio value="until" label={t('when.validUntil')} disabled={!editable} />
        </Group>
      </Radio.Group>
      {at && (
        <Stack gap={4} mt="sm">
          <MomentInput label={t('when.until', { zone: ownZone() })} value={at} error={error} disabled={!editable} onChange={onChange} />
          <Elsewhere at={at} />
        </Stack>
      )}
    </div>
  )
}

type MomentProps = { label: string; value: string; error: string | undefined; disabled: boolean; onChange: (iso: string) => void }

/** Date and time with the browser's own picker; half typed ones are kept here until they are whole. */
function MomentInput({ label, value, error, disabled, onChange }: MomentProps) {
  const [half, setHalf] = useState<string>()
  return (
    <TextInput
      type="datetime-local"
      label={label}
      maw={280}
      disabled={disabled}
      value={half ?? toInput(value)}
      error={error}
      onChange={(e) => {
        const whole = fromInput(e.currentTarget.value)
        if (whole) onChange(whole)
        setHalf(whole ? undefined : e.currentTarget.value)
      }}
      onBlur={() => setHalf(undefined)}
    />
  )
}
