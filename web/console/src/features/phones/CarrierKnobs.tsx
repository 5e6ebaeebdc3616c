import { Alert, Button, Collapse, Group, NumberInput, Paper, SimpleGrid, Skeleton, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDisclosure } from '@mantine/hooks'
import { IconAdjustments } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks, type Schemas } from '@/api/client'
import { blocks } from '@/api/problem'
import { useSession } from '@/auth/session'
import { attempt } from '@/ui/confirm'
import { useFormErrors } from '@/ui/formErrors'
import { Trouble } from '@/ui/Trouble'

type Carrier = Omit<Schemas['Carrier'], '$schema'>

const knobs = ['delay_ms', 'delivery_ms', 'undelivered_percent', 'refused_percent', 'doubt_percent', 'lost_percent'] as const

/** How the lab's carrier behaves towards this sender: slow, failing, losing receipts. */
export function CarrierKnobs({ sender }: { sender: string }) {
  const { t } = useTranslation('phones')
  const [opened, { toggle }] = useDisclosure()
  return (
    <Paper withBorder p="sm" radius="md">
      <Button
        variant="subtle"
        color="gray"
        leftSection={<IconAdjustments size={16} aria-hidden />}
        onClick={toggle}
        aria-expanded={opened}
        aria-controls="carrier"
      >
        {t('knobs.title')}
      </Button>
      <Collapse expanded={opened} id="carrier">
        {opened && <Knobs key={sender} sender={sender} />}
      </Collapse>
    </Paper>
  )
}

function Knobs({ sender }: { sender: string }) {
  const { t } = useTranslation(['phones', 'frame'])
  const { can } = useSession()
  const query = { params: { query: { sender } } }
  const { data, error, refetch } = hooks.useQuery('get', '/v1/lab/carrier', query)
  const form = useForm<Carrier>({
    initialValues: { delay_ms: 0, delivery_ms: 0, undelivered_percent: 0, refused_percent: 0, doubt_percent: 0, lost_percent: 0 },
  })
  const { show, rest, clear } = useFormErrors(form)
  const [busy, setBusy] = useState(false)
  const { setValues } = form
  useEffect(() => {
    if (data) setValues(data)
  }, [data, setValues])
  if (blocks({ data, error })) return <Trouble error={error} retry={() => void refetch()} />
  if (!data) return <Skeleton height={80} />
  const submit = async (body: Carrier) => {
    setBusy(true)
    clear()
    try {
      await api.PUT('/v1/lab/carrier', { ...query, body })
      await refetch()
      await attempt(async () => undefined, t('knobs.done'))
    } catch (failure) {
      show(failure)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form onSubmit={form.onSubmit((values) => void submit(values))}>
      <Stack p="xs">
        {rest && (
          <Alert color="red" variant="outline" role="alert">
            {rest}
          </Alert>
        )}
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
          {knobs.map((knob) => (
            <NumberInput
              key={knob}
              label={t(`knobs.${knob}`)}
              description={t(`knobs.hint.${knob}`)}
              min={0}
              max={knob === 'delay_ms' ? 10_000 : knob === 'delivery_ms' ? 60_000 : 100}
              suffix={knob.endsWith('_ms') ? ' ms' : ' %'}
              disabled={!can('campaigns:launch')}
              {...form.getInputProps(knob)}
            />
          ))}
        </SimpleGrid>
        <Group justify="flex-end">
          <Button type="submit" loading={busy} disabled={!can('campaigns:launch')}>
            {t('frame:action.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
