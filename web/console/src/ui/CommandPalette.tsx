import { Spotlight, type SpotlightActionGroupData, spotlight } from '@mantine/spotlight'
import { IconKeyboard, IconPlus, IconSearch, IconSend } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { can, type Me } from '@/auth/session'
import type { Entry } from '@/navigation'

export const openPalette = (): void => spotlight.open()

type Props = { entries: Entry[]; me: Me; onNewCampaign: () => void; onSheet: () => void }

/** ⌘K: pages, actions and campaigns by name. */
export function CommandPalette({ entries, me, onNewCampaign, onSheet }: Props) {
  const { t } = useTranslation('frame')
  const navigate = useNavigate()
  const [query, setQuery] = useState('')
  const [opened, setOpened] = useState(false)
  const { data } = hooks.useQuery(
    'get',
    '/v1/campaigns',
    { params: { query: { limit: 50 } } },
    { enabled: opened && can(me, 'campaigns:read') },
  )

  const actions: SpotlightActionGroupData[] = [
    {
      group: t('palette.do'),
      actions: [
        ...(can(me, 'campaigns:write')
          ? [{ id: 'new', label: t('palette.newCampaign'), leftSection: <IconPlus size={18} aria-hidden />, onClick: onNewCampaign }]
          : []),
        { id: 'sheet', label: t('keys.title'), leftSection: <IconKeyboard size={18} aria-hidden />, onClick: onSheet },
      ],
    },
    {
      group: t('palette.goTo'),
      actions: entries.map((e) => ({
        id: e.path,
        label: t(`nav.${e.text}`),
        leftSection: <e.icon size={18} aria-hidden />,
        onClick: () => void navigate({ to: e.path }),
      })),
    },
    {
      group: t('nav.campaigns'),
      actions: (data?.items ?? []).map((c) => ({
        id: c.id,
        label: c.name,
        leftSection: <IconSend size={18} aria-hidden />,
        onClick: () => void navigate({ to: '/campaigns/$campaign', params: { campaign: c.id }, search: {} }),
      })),
    },
  ]
  return (
    <Spotlight
      actions={actions}
      query={query}
      onQueryChange={setQuery}
      onSpotlightOpen={() => setOpened(true)}
      nothingFound={t('palette.nothing')}
      highlightQuery
      scrollable
      maxHeight={420}
      shortcut={null}
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: t('palette.placeholder'),
        'aria-label': t('palette.open'),
      }}
    />
  )
}
