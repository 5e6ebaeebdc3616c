import { Alert, Autocomplete, Button, Paper, Stack, Text, Title } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { IconCheck, IconSend } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { sortErrors } from '@/api/problem'
import { useSession } from '@/auth/session'
import type { DraftHandle } from '../useDraft'

const kept = 5

/** Sends the text as it is saved to one number, and remembers the last ones of this person on this machine. */
export function TestSend({ draft }: { draft: DraftHandle }) {
  const { t } = useTranslation('wizard')
  const { me } = useSession()
  const [numbers, remember] = useLocalStorage<string[]>({ key: `overture.testNumbers.${me?.user?.id ?? ''}`, defaultValue: [] })
  const [typed, setTyped] = useState<string>()
  const [busy, setBusy] = useState(false)
  const [sent, setSent] = useState<{ to: string; answer: Schemas['TestSend'] }>()
  const [trouble, setTrouble] = useState({ field: '', rest: '' })
  const to = typed ?? numbers[0] ?? ''

  const send = async () => {
    setBusy(true)
    setSent(undefined)
    setTrouble({ field: '', rest: '' })
    try {
      await draft.save()
      const { data } = await api.POST('/v1/campaigns/{campaign}/test-send', {
        params: { path: { campaign: draft.base.id } },
        body: { to: to.trim() },
      })
      if (!data) return
      setSent({ to: to.trim(), answer: data })
      remember([to.trim(), ...numbers.filter((n) => n !== to.trim())].slice(0, kept))
    } catch (error) {
      const { fields, rest } = sortErrors(error, ['to'])
      setTrouble({ field: fields.to ?? '', rest })
    } finally {
      setBusy(false)
    }
  }
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-labelledby="test">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void send()
        }}
      >
        <Stack gap="sm">
          <Title order={2} fz="md" id="test">
            {t('test.title')}
          </Title>
          <Autocomplete
            label={t('test.number')}
            description={t('test.hint')}
            placeholder="+1 212 555 0100"
            type="tel"
            autoComplete="tel"
            required
            data={numbers}
            value={to}
            error={trouble.field || undefined}
            onChange={setTyped}
          />
          {trouble.rest && (
            <Text size="sm" c="var(--mantine-color-error)" role="alert">
              {trouble.rest}
            </Text>
          )}
          <Button type="submit" variant="default" loading={busy} leftSection={<IconSend size={16} aria-hidden />}>
            {t('test.send')}
          </Button>
          {sent && (
            <Alert color="teal" variant="outline" icon={<IconCheck aria-hidden />} role="status" title={t('test.sent', { to: sent.to })}>
              <Text size="sm" className="said">
                {sent.answer.text}
              </Text>
              <Text size="xs" c="dimmed">
                {t('meter.segmentsOf', { count: sent.answer.segments })}
              </Text>
            </Alert>
          )}
        </Stack>
      </form>
    </Paper>
  )
}
