import { Alert, Anchor, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks } from '@/api/client'
import { sessionQuery } from '@/auth/session'
import { useFormErrors } from '@/ui/formErrors'
import { Door } from './Door'

/** The first minute: an account, a brand and an administrator, on a server that nobody has used. */
export function SetUp() {
  const { t } = useTranslation('access')
  const { data: server } = hooks.useQuery('get', '/v1/server')
  const client = useQueryClient()
  const navigate = useNavigate()
  const [busy, setBusy] = useState(false)
  const token = new URLSearchParams(location.hash.slice(1)).get('code') ?? ''
  const form = useForm({ initialValues: { code: token, account: '', brand: '', name: '', email: '', password: '' } })
  const { show, rest, clear } = useFormErrors(form)

  if (server && !server.setup_needed) {
    return (
      <Door title={t('setUp.title')}>
        <Text>{t('setUp.done')}</Text>
        <Anchor href="/login">{t('setUp.toSignIn')}</Anchor>
      </Door>
    )
  }
  const submit = async (values: typeof form.values) => {
    setBusy(true)
    clear()
    try {
      const { data } = await api.POST('/v1/server/setup', { body: { ...values, brand: values.brand || values.account } })
      client.clear()
      client.setQueryData(sessionQuery.queryKey, data ?? null)
      await navigate({ to: '/' })
    } catch (error) {
      show(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Door title={t('setUp.title')} text={t('setUp.text')}>
      <form onSubmit={form.onSubmit((values) => void submit(values))}>
        <Stack>
          {rest && (
            <Alert color="red" variant="outline" role="alert">
              {rest}
            </Alert>
          )}
          {(!token || form.errors.code) && (
            <TextInput
              label={t('setUp.token')}
              description={t('setUp.tokenHint')}
              required
              autoComplete="off"
              {...form.getInputProps('code')}
            />
          )}
          <TextInput
            label={t('setUp.account')}
            description={t('setUp.accountHint')}
            required
            autoComplete="organization"
            {...form.getInputProps('account')}
          />
          <TextInput
            label={t('setUp.brand')}
            description={t('setUp.brandHint')}
            placeholder={form.values.account}
            {...form.getInputProps('brand')}
          />
          <TextInput label={t('setUp.name')} required autoComplete="name" {...form.getInputProps('name')} />
          <TextInput label={t('setUp.email')} type="email" required autoComplete="username" {...form.getInputProps('email')} />
          <PasswordInput
            label={t('setUp.password')}
            description={t('setUp.passwordHint')}
            required
            minLength={15}
            autoComplete="new-password"
            {...form.getInputProps('password')}
          />
          <Button type="submit" loading={busy}>
            {t('setUp.submit')}
          </Button>
        </Stack>
      </form>
    </Door>
  )
}
