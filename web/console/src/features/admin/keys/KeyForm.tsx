import { Checkbox, Fieldset, Group, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { api, hooks, type Schemas } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { FormModal } from '@/ui/FormModal'
import { Trouble } from '@/ui/Trouble'
import { useSubmit } from '@/ui/useSubmit'
import { byArea, permissionKey } from '../permissions'

const day = 86_400_000
const lifetimes = ['30', '90', '365', 'never'] as const

/** Makes an API key: what it may do and until when. onMade gets it with its secret, the only time. */
export function KeyForm({ onClose, onMade }: { onClose: () => void; onMade: (key: Schemas['ApiKey']) => void }) {
  const { t } = useTranslation(['admin', 'frame'])
  const fresh = useFresh('/v1/api-keys')
  const offered = hooks.useQuery('get', '/v1/api-keys/scopes')
  const form = useForm<{ name: string; scopes: string[]; days: string }>({ initialValues: { name: '', scopes: [], days: '90' } })
  const { submit, busy, rest } = useSubmit(
    form,
    async ({ name, scopes, days }) => {
      const expires_at = days === 'never' ? undefined : new Date(Date.now() + Number(days) * day).toISOString()
      const { data } = await api.POST('/v1/api-keys', { body: { name: name.trim(), scopes, expires_at } })
      await fresh()
      onClose()
      if (data) onMade(data)
    },
    { days: 'expires_at' },
  )
  return (
    <FormModal
      opened
      onClose={onClose}
      title={t('keys.create')}
      action={t('keys.create')}
      busy={busy}
      rest={rest}
      size="xl"
      onSubmit={submit}
    >
      <Group grow align="flex-start">
        <TextInput
          label={t('keys.name')}
          description={t('keys.nameHint')}
          required
          data-autofocus
          maxLength={200}
          {...form.getInputProps('name')}
        />
        <Select
          label={t('keys.expires')}
          description={t('keys.expiresHint')}
          allowDeselect={false}
          data={lifetimes.map((value) => ({ value, label: t(`keys.days.${value}`) }))}
          {...form.getInputProps('days')}
        />
      </Group>
      {offered.error && <Trouble error={offered.error} retry={() => void offered.refetch()} />}
      <Checkbox.Group label={t('keys.scopes')} description={t('keys.scopesHint')} required {...form.getInputProps('scopes')}>
        <SimpleGrid cols={{ base: 1, sm: 2 }} mt="xs">
          {byArea(offered.data?.items ?? []).map(({ area, permissions }) => (
            <Fieldset key={area} legend={t(`area.${area}`, { defaultValue: area })} p="sm">
              <Stack gap={6}>
                {permissions.map((p) => (
                  <Checkbox
                    key={p}
                    value={p}
                    size="xs"
                    label={t(`permission.${permissionKey(p)}`, { defaultValue: p })}
                    description={
                      <Text component="code" size="xs">
                        {p}
                      </Text>
                    }
                  />
                ))}
              </Stack>
            </Fieldset>
          ))}
        </SimpleGrid>
      </Checkbox.Group>
    </FormModal>
  )
}
