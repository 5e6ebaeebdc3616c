import { Alert, Button, Drawer, Group, Skeleton, Stack, Text, Textarea, Timeline, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconArrowBackUp, IconHandStop, IconHelp } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks } from '@/api/client'
import { blocks } from '@/api/problem'
import { useSession } from '@/auth/session'
import { dateTime } from '@/lib/format'
import { attempt } from '@/ui/confirm'
import { useFormErrors } from '@/ui/formErrors'
import { Trouble } from '@/ui/Trouble'
import { useFreshOptOuts } from './OptOutTable'

const kinds = {
  opt_out: { icon: IconHandStop, color: 'red.9' },
  opt_in: { icon: IconArrowBackUp, color: 'teal.9' },
  help: { icon: IconHelp, color: 'gray.7' },
} as const

/** What one person said about hearing from the brands, oldest first, and the way back in: only with evidence. */
export function PersonDrawer({ address, onClose }: { address?: string; onClose: () => void }) {
  const { t } = useTranslation(['optouts', 'frame'])
  return (
    <Drawer
      opened={Boolean(address)}
      onClose={onClose}
      position="right"
      size="md"
      title={address}
      closeButtonProps={{ 'aria-label': t('frame:action.close') }}
    >
      {address && <Person address={address} onDone={onClose} />}
    </Drawer>
  )
}

function Person({ address, onDone }: { address: string; onDone: () => void }) {
  const { t } = useTranslation(['optouts', 'frame'])
  const { can } = useSession()
  const fresh = useFreshOptOuts()
  const { data, error, refetch } = hooks.useQuery('get', '/v1/consent-events', { params: { query: { address } } })
  const [busy, setBusy] = useState(false)
  const form = useForm({ initialValues: { evidence: '' } })
  const { show, rest, clear } = useFormErrors(form)
  if (blocks({ data, error })) return <Trouble error={error} retry={() => void refetch()} />
  if (!data) return <Skeleton height={200} />
  const last = data.items.filter((e) => e.kind !== 'help').at(-1)
  const submit = async ({ evidence }: typeof form.values) => {
    setBusy(true)
    clear()
    try {
      await api.POST('/v1/opt-ins', { body: { address, brand: last?.brand, evidence } })
      await fresh()
      await attempt(async () => undefined, t('lifted'))
      onDone()
    } catch (failure) {
      show(failure)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Stack>
      <Title order={2} fz="md">
        {t('history')}
      </Title>
      <Timeline bulletSize={26} lineWidth={2}>
        {data.items.map((e) => {
          const look = kinds[e.kind]
          return (
            <Timeline.Item
              key={`${e.at}${e.kind}${e.brand}`}
              bullet={<look.icon size={14} aria-hidden />}
              color={look.color}
              title={t(`kind.${e.kind}`)}
            >
              <Text size="sm" className="said">
                {e.evidence}
              </Text>
              <Text size="xs" c="dimmed">
                {dateTime(e.at)} · {t(`source.${e.source}`)}
              </Text>
            </Timeline.Item>
          )
        })}
      </Timeline>
      {can('opt_outs:write') && last?.kind === 'opt_out' && (
        <form onSubmit={form.onSubmit((values) => void submit(values))}>
          <Stack>
            <Title order={2} fz="md">
              {t('back.title')}
            </Title>
            <Alert color="orange" variant="outline">
              {t('back.duty')}
            </Alert>
            {rest && (
              <Alert color="red" variant="outline" role="alert">
                {rest}
              </Alert>
            )}
            <Textarea
              label={t('back.evidence')}
              description={t('back.evidenceHint')}
              required
              autosize
              minRows={2}
              maxLength={1000}
              {...form.getInputProps('evidence')}
            />
            <Group justify="flex-end">
              <Button type="submit" loading={busy}>
                {t('back.submit')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Stack>
  )
}
