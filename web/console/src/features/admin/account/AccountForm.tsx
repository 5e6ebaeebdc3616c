import { Alert, Button, Fieldset, Group, NumberInput, Select, SimpleGrid, Stack, TagsInput, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { api, hooks, type Schemas } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { attempt } from '@/ui/confirm'
import { useSubmit } from '@/ui/useSubmit'
import { changes } from './changes'
import { rails, type Values, valuesOf } from './values'

const zones = Intl.supportedValuesOf('timeZone')

/** The settings of the account. Only what was changed is sent, so that two people at once do not undo each other. */
export function AccountForm({ account }: { account: Schemas['Account'] }) {
  const { t } = useTranslation(['admin', 'frame'])
  const fresh = useFresh('/v1/account')
  const skills = hooks.useQuery('get', '/v1/skills', { params: { query: { limit: 200 } } })
  const form = useForm<Values>({ initialValues: valuesOf(account) })
  const change = changes(form.getInitialValues(), form.values)
  const { submit, busy, rest } = useSubmit(form, async () => {
    if (!change) return
    const { data } = await api.PATCH('/v1/account', { body: change as Schemas['UpdateAccountRequest'] })
    if (data) {
      form.setInitialValues(valuesOf(data))
      form.setValues(valuesOf(data))
    }
    await fresh()
    await attempt(async () => undefined, t('account.saved'))
  })
  const number = (name: 'sms_limit' | 'send_rate' | 'lookback_hours', min: number, max: number) => (
    <NumberInput
      label={t(`account.${name}`)}
      description={t(`account.${name}_hint`)}
      required
      min={min}
      max={max}
      allowDecimal={false}
      {...form.getInputProps(name)}
    />
  )
  const zoneList = zones.includes(form.values.time_zone) ? zones : [form.values.time_zone, ...zones]
  return (
    <form onSubmit={submit}>
      <Stack>
        {rest && (
          <Alert color="red" variant="outline" role="alert">
            {rest}
          </Alert>
        )}
        <Fieldset legend={t('account.general')}>
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            <TextInput
              label={t('account.name')}
              description={t('account.name_hint')}
              required
              maxLength={200}
              {...form.getInputProps('name')}
            />
            <Select
              label={t('account.time_zone')}
              description={t('account.time_zone_hint')}
              searchable
              allowDeselect={false}
              limit={200}
              data={zoneList}
              nothingFoundMessage={t('frame:palette.nothing')}
              {...form.getInputProps('time_zone')}
            />
          </SimpleGrid>
        </Fieldset>
        <Fieldset legend={t('account.texts')}>
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            <Textarea
              label={t('account.opt_out_text')}
              description={t('account.opt_out_text_hint')}
              required
              autosize
              maxLength={160}
              {...form.getInputProps('opt_out_text')}
            />
            <Textarea
              label={t('account.help_text')}
              description={t('account.help_text_hint')}
              autosize
              maxLength={320}
              {...form.getInputProps('help_text')}
            />
            {number('sms_limit', 60, 1600)}
            <Select
              label={t('account.length_policy')}
              description={t('account.length_policy_hint')}
              allowDeselect={false}
              data={(['warn', 'one_segment', 'strict'] as const).map((value) => ({ value, label: t(`account.lengths.${value}`) }))}
              {...form.getInputProps('length_policy')}
            />
          </SimpleGrid>
        </Fieldset>
        <Fieldset legend={t('account.sending')}>
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            {number('send_rate', 1, 100_000)}
            {number('lookback_hours', 1, 8784)}
            <Select
              label={t('account.default_skill')}
              description={t('account.default_skill_hint')}
              searchable
              allowDeselect={!account.default_skill}
              data={(skills.data?.items ?? []).map((s) => ({ value: s.id, label: s.name }))}
              nothingFoundMessage={t('frame:palette.nothing')}
              value={form.values.default_skill || null}
              onChange={(v) => form.setFieldValue('default_skill', v ?? '')}
              error={form.errors.default_skill}
            />
            <Select
              label={t('account.open_conversation')}
              description={t('account.open_conversation_hint')}
              allowDeselect={false}
              data={(['skip', 'hold', 'deliver'] as const).map((value) => ({ value, label: t(`account.opens.${value}`) }))}
              {...form.getInputProps('open_conversation')}
            />
            <TagsInput
              label={t('account.ordinary_words')}
              description={t('account.ordinary_words_hint')}
              maxTags={20}
              {...form.getInputProps('ordinary_words')}
            />
          </SimpleGrid>
        </Fieldset>
        <Fieldset legend={t('account.rails')}>
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            {rails.map(({ name, min, max }) => (
              <NumberInput
                key={name}
                label={t(`account.rail.${name}`)}
                description={t(`account.rail.${name}_hint`)}
                required
                min={min}
                max={max}
                allowDecimal={false}
                thousandSeparator
                {...form.getInputProps(`rails.${name}`)}
              />
            ))}
          </SimpleGrid>
        </Fieldset>
        <Group>
          <Button type="submit" loading={busy} disabled={!change}>
            {t('frame:action.save')}
          </Button>
          {change && (
            <Button variant="default" onClick={() => form.reset()}>
              {t('account.discard')}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  )
}
