import { Alert, Anchor, Button, Divider, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Navigate, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks } from '@/api/client'
import { sessionQuery } from '@/auth/session'
import { useFormErrors } from '@/ui/formErrors'
import { Door } from './Door'

const route = getRouteApi('/login')

/** Only addresses of this console: nobody is sent to another site after the sign-in. */
export const ownAddress = (next: string | undefined): string => (next && /^\/(?![/\\])/.test(next) ? next : '/')

export function SignIn() {
  const { t } = useTranslation('access')
  const { next, failed } = route.useSearch()
  const { data: server } = hooks.useQuery('get', '/v1/server')
  const client = useQueryClient()
  const navigate = useNavigate()
  const form = useForm({ initialValues: { email: '', password: '' } })
  const { show, rest, clear } = useFormErrors(form)
  const [busy, setBusy] = useState(false)

  if (server?.setup_needed) return <Navigate to="/setup" />

  const submit = async (body: typeof form.values) => {
    setBusy(true)
    clear()
    try {
      const { data } = await api.POST('/v1/session', { body })
      client.clear()
      client.setQueryData(sessionQuery.queryKey, data ?? null)
      await navigate({ href: ownAddress(next) })
    } catch (error) {
      show(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Door title={t('signIn.title')}>
      {failed && (
        <Alert color="red" variant="outline" role="alert">
          {t(failed === 'unknown_user' ? 'signIn.failed.unknown_user' : 'signIn.failed.oidc')}
        </Alert>
      )}
      {server?.single_sign_on && (
        <>
          <Anchor component="a" href={`/v1/session/oidc?next=${encodeURIComponent(ownAddress(next))}`} underline="never">
            <Button component="span" fullWidth variant="default">
              {t('signIn.with', { name: server.single_sign_on })}
            </Button>
          </Anchor>
          <Divider label={t('signIn.or')} />
        </>
      )}
      <form onSubmit={form.onSubmit((values) => void submit(values))}>
        <Stack>
          {rest && (
            <Alert color="red" variant="outline" role="alert">
              {rest}
            </Alert>
          )}
          <TextInput
            label={t('signIn.email')}
            type="email"
            name="email"
            autoComplete="username"
            required
            {...form.getInputProps('email')}
          />
          <PasswordInput
            label={t('signIn.password')}
            name="password"
            autoComplete="current-password"
            required
            {...form.getInputProps('password')}
          />
          <Button type="submit" loading={busy}>
            {t('signIn.submit')}
          </Button>
        </Stack>
      </form>
    </Door>
  )
}
