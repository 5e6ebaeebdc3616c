import { MultiSelect, Radio, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { api, hooks, type Schemas } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { FormModal } from '@/ui/FormModal'
import { useSubmit } from '@/ui/useSubmit'
import type { Secret } from './Handover'
import { oneTimePassword } from './password'

type User = Schemas['User']
export const roles = ['administrator', 'campaign_manager', 'agent_manager', 'agent'] as const

/** Creates a user with a password that is shown once, or changes one. Mount it anew for another user. */
export function UserForm({ user, onClose, onSecret }: { user?: User; onClose: () => void; onSecret: (secret: Secret) => void }) {
  const { t } = useTranslation(['admin', 'frame'])
  const fresh = useFresh('/v1/users')
  const skills = hooks.useQuery('get', '/v1/skills', { params: { query: { limit: 200, archived: Boolean(user) } } })
  const form = useForm<{ email: string; name: string; role: User['role']; skills: string[] }>({
    initialValues: { email: user?.email ?? '', name: user?.name ?? '', role: user?.role ?? 'campaign_manager', skills: user?.skills ?? [] },
  })
  const { submit, busy, rest } = useSubmit(form, async (values) => {
    const common = { name: values.name.trim(), role: values.role, skills: values.skills }
    if (user) {
      // An unchanged role is left out: naming it would end the person's sessions.
      const { role, ...others } = common
      await api.PATCH('/v1/users/{user}', { params: { path: { user: user.id } }, body: role === user.role ? others : common })
    } else {
      const secret = { email: values.email.trim(), password: oneTimePassword() }
      await api.POST('/v1/users', { body: { ...common, ...secret } })
      onSecret(secret)
    }
    await fresh()
    onClose()
  })
  return (
    <FormModal
      opened
      onClose={onClose}
      title={t(user ? 'users.change' : 'users.create')}
      action={t(user ? 'frame:action.save' : 'users.createAction')}
      busy={busy}
      rest={rest}
      size="lg"
      onSubmit={submit}
    >
      {!user && (
        <TextInput
          label={t('users.email')}
          description={t('users.emailHint')}
          type="email"
          autoComplete="off"
          required
          data-autofocus
          maxLength={254}
          {...form.getInputProps('email')}
        />
      )}
      <TextInput label={t('users.name')} required maxLength={200} autoComplete="off" {...form.getInputProps('name')} />
      <Radio.Group label={t('users.role')} description={user ? t('users.roleHint') : undefined} {...form.getInputProps('role')}>
        <Stack gap="xs" mt="xs">
          {roles.map((role) => (
            <Radio key={role} value={role} label={t(`frame:role.${role}`)} description={t(`users.roleText.${role}`)} />
          ))}
        </Stack>
      </Radio.Group>
      <MultiSelect
        label={t('users.skills')}
        description={t('users.skillsHint')}
        searchable
        clearable
        data={(skills.data?.items ?? []).map((s) => ({ value: s.id, label: s.name }))}
        nothingFoundMessage={t('frame:palette.nothing')}
        {...form.getInputProps('skills')}
      />
      {!user && <Text size="sm">{t('users.passwordHint')}</Text>}
    </FormModal>
  )
}
