import { Button, Drawer, Group, Loader, Stack, Table, Text, Title } from '@mantine/core'
import { IconKey, IconPencil } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { hooks, type Schemas } from '@/api/client'
import { useSession } from '@/auth/session'
import { count, dateTime } from '@/lib/format'
import { CopyField } from '@/ui/CopyField'
import { Trouble } from '@/ui/Trouble'
import { HealthCell, RateCell } from './HealthCell'

type Sender = Schemas['Sender']
type Props = {
  id: string | undefined
  health: Schemas['SenderHealth'] | undefined
  onClose: () => void
  onEdit: (sender: Sender) => void
  onRotate: (sender: Sender) => void
}

/** One sender: how it stands, what it is set to, and what to enter at the provider. */
export function SenderDrawer({ id, health, onClose, onEdit, onRotate }: Props) {
  const { t } = useTranslation(['admin', 'frame'])
  const { can } = useSession()
  const path = { params: { path: { sender: id ?? '' } } }
  const { data, error, refetch } = hooks.useQuery('get', '/v1/senders/{sender}', path, { enabled: Boolean(id) })
  const row = (name: string, value: ReactNode) => (
    <Table.Tr>
      <Table.Th scope="row" fw={500} w="40%">
        {name}
      </Table.Th>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
    </Table.Tr>
  )
  const lease = health?.lease_until ? (health.here ? 'leaseHere' : 'leaseElsewhere') : 'leaseNone'
  return (
    <Drawer
      opened={Boolean(id)}
      onClose={onClose}
      position="right"
      size="lg"
      title={data?.name ?? t('senders.title')}
      closeButtonProps={{ 'aria-label': t('frame:action.close') }}
    >
      {Boolean(error) && <Trouble error={error} retry={() => void refetch()} />}
      {!data && !error && <Loader role="progressbar" aria-label={t('frame:loading')} />}
      {data && (
        <Stack>
          {can('senders:write') && (
            <Group>
              <Button variant="default" leftSection={<IconPencil size={16} aria-hidden />} onClick={() => onEdit(data)}>
                {t('frame:action.edit')}
              </Button>
              <Button variant="default" leftSection={<IconKey size={16} aria-hidden />} onClick={() => onRotate(data)}>
                {t('senders.rotate.title')}
              </Button>
            </Group>
          )}
          <Table layout="fixed">
            <Table.Tbody>
              {row(t('state'), <HealthCell sender={data} health={health} />)}
              {row(t('senders.live'), <RateCell sender={data} health={health} />)}
              {row(t('senders.waiting'), health ? count(health.waiting) : '—')}
              {row(t('senders.inDoubt'), health ? count(health.in_doubt) : '—')}
              {row(t('senders.lease'), t(`senders.${lease}`))}
              {row(t('senders.address'), data.address)}
              {row(t('senders.accountSID'), data.account_sid)}
              {data.messaging_service_sid && row(t('senders.service'), data.messaging_service_sid)}
              {row(t('senders.baseURL'), data.base_url)}
              {row(t('senders.token'), t('senders.tokenKept'))}
              {row(t('since'), dateTime(data.created_at))}
            </Table.Tbody>
          </Table>
          {data.inbound_url && (
            <Stack gap={4}>
              <Title order={2} fz="md">
                {t('senders.webhooks')}
              </Title>
              <Text size="sm">{t('senders.inbound')}</Text>
              <CopyField value={data.inbound_url} />
              <Text size="xs" c="dimmed">
                {t('senders.webhookHint')}
              </Text>
            </Stack>
          )}
        </Stack>
      )}
    </Drawer>
  )
}
