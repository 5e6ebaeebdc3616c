import { ActionIcon, Button, Menu } from '@mantine/core'
import {
  IconArchive,
  IconArrowBackUp,
  IconCopy,
  IconDots,
  IconDownload,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
  IconX,
} from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/auth/session'
import { askReason } from '@/ui/askReason'
import { attempt, confirm } from '@/ui/confirm'
import { type Campaign, useCampaignActions } from './useCampaign'

/** What can be done with the campaign now, the likeliest as buttons, the rest in a menu. */
export function Actions({ campaign: c }: { campaign: Campaign }) {
  const { t } = useTranslation('campaign')
  const { can } = useSession()
  const navigate = useNavigate()
  const act = useCampaignActions(c.id)
  const undoable = useOpen(c.undo_until) && ['scheduled', 'running'].includes(c.state)
  const launches = can('campaigns:launch')
  const writes = can('campaigns:write')
  const icon = { size: 16, 'aria-hidden': true } as const

  const copy = (withRecipients: boolean) =>
    void attempt(async () => {
      const made = await act.duplicate(withRecipients)
      if (made) await navigate({ to: '/campaigns/$campaign/edit', params: { campaign: made.id }, search: {} })
    })
  return (
    <>
      {undoable && launches && (
        <Button color="orange.9" leftSection={<IconArrowBackUp {...icon} />} onClick={() => void attempt(act.undo, t('done.undo'))}>
          {t('action.undo')}
        </Button>
      )}
      {launches && ['running', 'scheduled'].includes(c.state) && (
        <Button
          variant="default"
          leftSection={<IconPlayerPause {...icon} />}
          onClick={() => askReason({ title: t('ask.pause'), text: t('ask.pauseText'), action: t('action.pause'), do: act.pause })}
        >
          {t('action.pause')}
        </Button>
      )}
      {launches && c.state === 'paused' && (
        <Button leftSection={<IconPlayerPlay {...icon} />} onClick={() => void attempt(act.resume, t('done.resume'))}>
          {t('action.resume')}
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size="lg" aria-label={t('action.more')}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {launches && !c.people_deleted_at && ['completed', 'running', 'paused'].includes(c.state) && (
            <Menu.Item
              leftSection={<IconRefresh {...icon} />}
              onClick={() =>
                confirm({
                  title: t('ask.retry'),
                  text: t('ask.retryText'),
                  action: t('action.retry'),
                  do: async () => {
                    const answer = await act.retry(false)
                    await attempt(async () => answer, t('done.retry', { count: answer?.retried ?? 0 }))
                  },
                })
              }
            >
              {t('action.retry')}
            </Menu.Item>
          )}
          {writes && (
            <>
              <Menu.Item leftSection={<IconCopy {...icon} />} onClick={() => copy(false)}>
                {t('action.duplicate')}
              </Menu.Item>
              {!c.people_deleted_at && (
                <Menu.Item leftSection={<IconCopy {...icon} />} onClick={() => copy(true)}>
                  {t('action.duplicateList')}
                </Menu.Item>
              )}
              <Menu.Item
                leftSection={<IconArchive {...icon} />}
                onClick={() => void attempt(() => act.archive(!c.archived_at), t(c.archived_at ? 'done.restore' : 'done.archive'))}
              >
                {t(c.archived_at ? 'action.restore' : 'action.archive')}
              </Menu.Item>
            </>
          )}
          {can('recipients:export') && (
            <Menu.Item component="a" href={`/v1/campaigns/${c.id}/recipients.csv`} download leftSection={<IconDownload {...icon} />}>
              {t('action.download')}
            </Menu.Item>
          )}
          {launches && ['running', 'scheduled', 'paused'].includes(c.state) && (
            <>
              <Menu.Divider />
              <Menu.Item
                color="red"
                leftSection={<IconX {...icon} />}
                onClick={() =>
                  askReason({ title: t('ask.cancel'), text: t('ask.cancelText'), action: t('action.cancel'), danger: true, do: act.cancel })
                }
              >
                {t('action.cancel')}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
    </>
  )
}

/** True until the moment has passed. */
function useOpen(until: string | undefined): boolean {
  const left = until ? new Date(until).getTime() - Date.now() : 0
  const [, look] = useState(0)
  useEffect(() => {
    if (left <= 0) return
    const timer = setTimeout(() => look((n) => n + 1), left)
    return () => clearTimeout(timer)
  }, [left])
  return left > 0
}
