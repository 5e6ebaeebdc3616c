import { ActionIcon, Menu } from '@mantine/core'
import { IconDots, IconTrash } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { confirm } from '@/ui/confirm'
import { useCampaignActions } from '../campaign/useCampaign'
import type { Campaign } from './draft'

export function DraftMenu({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation(['wizard', 'frame'])
  const navigate = useNavigate()
  const act = useCampaignActions(campaign.id)
  const remove = () =>
    confirm({
      title: t('remove.title'),
      text: t('remove.text', { name: campaign.name }),
      action: t('remove.action'),
      danger: true,
      do: async () => {
        await navigate({ to: '/campaigns', search: {} })
        await act.remove()
      },
    })
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={t('more')}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={remove}>
          {t('remove.action')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
