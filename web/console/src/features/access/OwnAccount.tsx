import { Alert, Button, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '@/api/client'
import { useSession } from '@/auth/session'
import { useFormErrors } from '@/ui/formErrors'
import { PageHeader } from '@/ui/PageHeader'

export function OwnAccount() {
  const { t } = useTranslation(['access', 'frame'])
  const { me } = useSession()
  const client = useQueryClient()
  const navigate = useNavigate()
  const [busy, setBusy] = useState(false)
  const form = useForm({ initialValues: { old_password: '', new_password: '' } })
  const { show, rest, clear } = useFormErrors(form)
  const submit = async (body: typeof form.values) => {
    setBusy(true)
    clear()
    try {
      await api.PUT('/v1/session/password', { body })
      client.clear()
      await navigate({ to: '/login', search: {} })
    } catch (error) {
      show(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <PageHeader title={t('own.title')} />
      <Stack maw={480}>
        <Text>
          {t('own.who')} <strong>{me?.user?.email}</strong>
        </Text>
        <Text>
          {t('own.role')}: {me?.role ? t(`frame:role.${me.role}`) : ''}
        </Text>
        <Paper withBorder p="md">
          <form onSubmit={form.onSubmit((values) => void submit(values))}>
            <Stack>
              <Title order={2} fz="lg">
                {t('own.password')}
              </Title>
              {rest && (
                <Alert color="red" variant="outline" role="alert">
                  {rest}
                </Alert>
              )}
              <input type="hidden" autoComplete="username" value={me?.user?.email ?? ''} readOnly />
              <PasswordInput label={t('own.old')} required autoComplete="current-password" {...form.getInputProps('old_password')} />
              <PasswordInput
                label={t('own.new')}
                description={t('own.newHint')}
                required
                minLength={15}
                autoComplete="new-password"
                {...form.getInputProps('new_password')}
              />
              <Button type="submit" loading={busy}>
                {t('own.submit')}
              </Button>
            </Stack>
          </form>
        </Paper>
      </Stack>
    </>
  )
}
