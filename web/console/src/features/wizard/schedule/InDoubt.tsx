import { Radio, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { DraftHandle } from '../useDraft'
import { Section } from './Section'

const talks = ['skip', 'hold', 'deliver'] as const
const policies = ['safe', 'must_reach'] as const

/** What happens to people who are in a conversation, and when it cannot be known whether a message went out. */
export function InDoubt({ draft: { values, set, error }, editable }: { draft: DraftHandle; editable: boolean }) {
  const { t } = useTranslation('wizard')
  return (
    <Section title={t('doubt.title')}>
      <Radio.Group
        data-field="open_conversation"
        label={t('field.open_conversation')}
        description={t('doubt.talkHint')}
        value={values.open_conversation}
        error={error('open_conversation')}
        onChange={(v) => set({ open_conversation: v as (typeof talks)[number] })}
      >
        <Stack gap="xs" mt="xs">
          {talks.map((talk) => (
            <Radio key={talk} value={talk} label={t(`talk.${talk}`)} description={t(`talk.${talk}Hint`)} disabled={!editable} />
          ))}
        </Stack>
      </Radio.Group>
      <Radio.Group
        data-field="policy"
        label={t('field.policy')}
        description={t('doubt.policyHint')}
        value={values.policy}
        error={error('policy')}
        onChange={(v) => set({ policy: v as (typeof policies)[number] })}
      >
        <Stack gap="xs" mt="xs">
          {policies.map((policy) => (
            <Radio
              key={policy}
              value={policy}
              label={t(`sendPolicy.${policy}`)}
              description={t(`sendPolicy.${policy}Hint`)}
              disabled={!editable}
            />
          ))}
        </Stack>
      </Radio.Group>
    </Section>
  )
}
