import { Button, Group, Paper, Stack, Switch, Text, Title } from '@mantine/core'
import { IconGavel, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { dateTime } from '@/lib/format'
import { confirm } from '@/ui/confirm'
import { useActors } from '../audit/useActors'
import { HoldForm } from './HoldForm'

type Hold = Schemas['LegalHold']
type Props = { holds: Hold[]; readOnly: boolean; fresh: () => Promise<void> }

/** Legal holds: of the account, and of single campaigns. */
export function Holds({ holds, readOnly, fresh }: Props) {
  const { t } = useTranslation('admin')
  const actors = useActors()
  const [asking, ask] = useState<'account' | 'campaign'>()
  const account = holds.find((h) => !h.campaign)
  const campaigns = holds.filter((h) => h.campaign)
  const words = (h: Hold) =>
    t('retention.hold.since', { at: dateTime(h.since), who: actors.find((a) => a.id === h.by)?.name ?? h.by, reason: h.reason })
  const release = (h: Hold) =>
    confirm({
      title: t('retention.hold.releaseTitle'),
      text: h.campaign ? t('retention.hold.releaseCampaign', { name: h.campaign_name ?? h.campaign }) : t('retention.hold.releaseAccount'),
      action: t('retention.hold.release'),
      danger: true,
      do: async () => {
        await api.POST('/v1/retention/release', { body: h.campaign ? { campaign: h.campaign } : {} })
        await fresh()
      },
    })
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-labelledby="holds">
      <Stack gap="sm">
        <Group gap="xs">
          <IconGavel size={18} aria-hidden />
          <Title order={2} fz="md" id="holds">
            {t('retention.hold.title')}
          </Title>
        </Group>
        <Text size="sm">{t('retention.hold.text')}</Text>
        <Switch
          label={t('retention.hold.account')}
          description={account && words(account)}
          checked={Boolean(account)}
          disabled={readOnly}
          onChange={() => (account ? release(account) : ask('account'))}
        />
        {campaigns.map((h) => (
          <Group key={h.campaign} justify="space-between" gap="xs">
            <Stack gap={0} flex="1 1 12rem">
              <Text size="sm" fw={600} className="said">
                {h.campaign_name || h.campaign}
              </Text>
              <Text size="xs" c="dimmed" className="said">
                {words(h)}
              </Text>
            </Stack>
            {!readOnly && (
              <Button
                size="xs"
                variant="default"
                onClick={() => release(h)}
                aria-label={t('retention.hold.releaseOf', { name: h.campaign_name ?? h.campaign ?? '' })}
              >
                {t('retention.hold.release')}
              </Button>
            )}
          </Group>
        ))}
        {!readOnly && (
          <Group>
            <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => ask('campaign')}>
              {t('retention.hold.add')}
            </Button>
          </Group>
        )}
      </Stack>
      {asking && (
        <HoldForm
          ofCampaign={asking === 'campaign'}
          taken={campaigns.map((h) => h.campaign ?? '')}
          onClose={() => ask(undefined)}
          fresh={fresh}
        />
      )}
    </Paper>
  )
}
