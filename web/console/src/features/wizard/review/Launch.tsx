import { Alert, Button, Checkbox, List, Paper, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconAlertTriangle, IconRocket } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks } from '@/api/client'
import { ApiError } from '@/api/problem'
import { count, ownZone, span, weekdayTime } from '@/lib/format'
import { Trouble } from '@/ui/Trouble'
import type { DraftHandle } from '../useDraft'
import { barriers, isNumber, mustType } from './confirmation'

type Props = { draft: DraftHandle; ready: boolean; sent: number | undefined }

/** The one button that cannot be taken back by typing: it says what it does, what it still waits for, and how many the forecast says get it. */
export function Launch({ draft, ready, sent }: Props) {
  const { t } = useTranslation('wizard')
  const client = useQueryClient()
  const navigate = useNavigate()
  const [consent, setConsent] = useState(false)
  const [typed, setTyped] = useState('')
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<unknown>()
  const { base, values, standing } = draft
  const recipients = base.recipients
  const waits = barriers({ ready, saved: standing === 'saved', consent, recipients, typed })
  const label = values.launch_at
    ? t('launch.schedule', { at: weekdayTime(values.launch_at), n: count(recipients), count: recipients })
    : t('launch.now', { n: count(recipients), count: recipients })

  const launch = async () => {
    setBusy(true)
    setTrouble(undefined)
    try {
      if (!(await draft.save())) return
      const path = { campaign: base.id }
      const { data } = await api.POST('/v1/campaigns/{campaign}/launch', { params: { path }, body: { consent: true } })
      if (!data) return
      client.setQueryData(hooks.queryOptions('get', '/v1/campaigns/{campaign}', { params: { path } }).queryKey, data)
      void client.invalidateQueries()
      await navigate({ to: '/campaigns/$campaign', params: path, search: {} })
    } catch (error) {
      setTrouble(error)
      void client.invalidateQueries()
    } finally {
      setBusy(false)
    }
  }
  const said = trouble instanceof ApiError ? Object.values(trouble.fields()) : []
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-labelledby="launch">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (waits.length === 0) void launch()
        }}
      >
        <Stack>
          <Title order={2} fz="md" id="launch">
            {t('launch.title')}
          </Title>
          <Checkbox
            data-field="consent"
            checked={consent}
            onChange={(e) => setConsent(e.currentTarget.checked)}
            label={t('launch.consent')}
            description={t('launch.consentHint')}
          />
          {mustType(recipients) && (
            <TextInput
              label={t('launch.type', { n: count(recipients) })}
              description={t('launch.typeHint')}
              inputMode="numeric"
              autoComplete="off"
              maw={320}
              value={typed}
              error={
                typed !== '' && !isNumber(typed, recipients) && typed.length >= String(recipients).length
                  ? t('launch.typeWrong')
                  : undefined
              }
              onChange={(e) => setTyped(e.currentTarget.value)}
            />
          )}
          {waits.length > 0 && (
            <Alert
              color="gray"
              variant="outline"
              icon={<IconAlertTriangle aria-hidden />}
              title={t('launch.waits')}
              id="waits"
              role="status"
            >
              <List size="sm">
                {waits.map((w) => (
                  <List.Item key={w}>{t(`launch.barrier.${w}`)}</List.Item>
                ))}
              </List>
            </Alert>
          )}
          {Boolean(trouble) && <Trouble error={trouble} />}
          {said.length > 0 && (
            <List size="sm" c="var(--mantine-color-error)">
              {said.map((words) => (
                <List.Item key={words}>{words}</List.Item>
              ))}
            </List>
          )}
          {sent !== undefined && sent < recipients && <Text size="sm">{t('launch.forecast', { count: sent })}</Text>}
          <Text size="sm" c="dimmed">
            {values.undo_seconds > 0 ? t('launch.undo', { span: span(values.undo_seconds) }) : t('launch.noUndo')}
            {values.launch_at ? ` ${t('launch.zone', { zone: ownZone() })}` : ''}
          </Text>
          <div>
            <Button
              type="submit"
              size="md"
              loading={busy}
              disabled={waits.length > 0}
              aria-describedby={waits.length > 0 ? 'waits' : undefined}
              leftSection={<IconRocket size={18} aria-hidden />}
              h="auto"
              mih={42}
              py={6}
              styles={{ label: { whiteSpace: 'normal', lineHeight: 1.3 } }}
            >
              {label}
            </Button>
          </div>
        </Stack>
      </form>
    </Paper>
  )
}
