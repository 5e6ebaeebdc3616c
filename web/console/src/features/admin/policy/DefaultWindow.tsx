import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { sortErrors } from '@/api/problem'
import { useFresh } from '@/api/useFresh'
import { attempt } from '@/ui/confirm'
import { WindowEditor } from '@/ui/WindowEditor'
import { days, type Window } from '@/ui/window'

type Props = { account: Schemas['Account']; readOnly: boolean }

/** The window that new campaigns begin with. */
export function DefaultWindow({ account, readOnly }: Props) {
  const { t } = useTranslation(['admin', 'frame'])
  const fresh = useFresh('/v1/account')
  const [draft, edit] = useState<Window>()
  const [error, setError] = useState<{ fields: Record<string, string>; rest: string }>()
  const [busy, setBusy] = useState(false)
  const save = async () => {
    setBusy(true)
    setError(undefined)
    try {
      await api.PATCH('/v1/account', { body: { window: draft } })
      await fresh()
      edit(undefined)
      await attempt(async () => undefined, t('account.saved'))
    } catch (failure) {
      setError(sortErrors(failure, [...days.map((d) => `window.${d}`), 'window.holidays', 'window']))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Stack>
      <Text size="sm">{t('policy.windowText')}</Text>
      {error?.rest && (
        <Alert color="red" variant="outline" role="alert">
          {error.rest}
        </Alert>
      )}
      <WindowEditor value={draft ?? account.window} onChange={edit} error={(field) => error?.fields[field]} editable={!readOnly} />
      {draft && (
        <Group>
          <Button onClick={() => void save()} loading={busy}>
            {t('policy.saveWindow')}
          </Button>
          <Button variant="default" onClick={() => edit(undefined)}>
            {t('account.discard')}
          </Button>
        </Group>
      )}
    </Stack>
  )
}
