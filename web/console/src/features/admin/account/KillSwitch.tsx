import { Alert, Button, Group, Text } from '@mantine/core'
import { IconHandStop, IconPlayerPlay, IconShieldCheck } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { dateTime } from '@/lib/format'
import { askReason } from '@/ui/askReason'
import { confirm } from '@/ui/confirm'

/** Stops everything the account sends, and starts it again. */
export function KillSwitch({ account }: { account: Schemas['Account'] }) {
  const { t } = useTranslation('admin')
  const fresh = useFresh('/v1/account', '/v1/campaigns', '/v1/campaigns/{campaign}/progress', '/v1/health')
  const stop = () =>
    askReason({
      title: t('account.stopTitle'),
      text: t('account.stopText'),
      action: t('account.stop'),
      danger: true,
      do: async (reason) => {
        await api.POST('/v1/account/stop', { body: { reason } })
        await fresh()
      },
    })
  const start = () =>
    confirm({
      title: t('account.startTitle'),
      text: t('account.startText'),
      action: t('account.start'),
      do: async () => {
        await api.POST('/v1/account/start')
        await fresh()
      },
    })
  return account.stopped ? (
    <Alert color="red" variant="outline" icon={<IconHandStop aria-hidden />} title={t('account.stopped')}>
      <Text size="sm">{t('account.stoppedText', { at: dateTime(account.stopped_at), reason: account.stop_reason || '—' })}</Text>
      <Group mt="sm">
        <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} onClick={start}>
          {t('account.start')}
        </Button>
      </Group>
    </Alert>
  ) : (
    <Alert variant="outline" color="gray" icon={<IconShieldCheck aria-hidden />} title={t('account.killSwitch')}>
      <Text size="sm">{t('account.killSwitchText')}</Text>
      <Group mt="sm">
        <Button color="red.9" leftSection={<IconHandStop size={16} aria-hidden />} onClick={stop}>
          {t('account.stop')}
        </Button>
      </Group>
    </Alert>
  )
}
