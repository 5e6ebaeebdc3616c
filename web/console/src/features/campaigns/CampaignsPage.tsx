import { ActionIcon, Button, Chip, Group, Menu, SimpleGrid, Switch, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconDots, IconDownload, IconPlus, IconSearch } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { useSession } from '@/auth/session'
import { PageHeader } from '@/ui/PageHeader'
import { CampaignTable } from './CampaignTable'
import { Headline } from './Headline'
import { NewCampaign } from './NewCampaign'

const states = ['draft', 'scheduled', 'running', 'paused', 'completed', 'canceled'] as const

const Search = z.object({
  state: z.catch(z.optional(z.enum(states)), undefined),
  q: z.catch(z.optional(z.string()), undefined),
  archived: z.catch(z.optional(z.boolean()), undefined),
  new: z.catch(z.optional(z.boolean()), undefined),
})
export type CampaignFilter = z.infer<typeof Search>

const route = getRouteApi('/frame/campaigns')

/** Where everybody starts: how it goes altogether, and the latest campaigns of everyone. */
export function CampaignsPage() {
  const { t } = useTranslation(['campaigns', 'frame'])
  const { can } = useSession()
  const navigate = useNavigate()
  const filter = Search.parse(route.useSearch())
  const change = (next: Partial<CampaignFilter>) => void navigate({ to: '/campaigns', search: { ...filter, ...next }, replace: true })
  const type = useDebouncedCallback((q: string) => change({ q: q || undefined }), 300)
  return (
    <>
      <PageHeader title={t('title')}>
        {can('recipients:export') && (
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="default" size="lg" aria-label={t('more')}>
                <IconDots size={18} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item component="a" href="/v1/campaigns.csv" download leftSection={<IconDownload size={16} aria-hidden />}>
                {t('downloadAll')}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
        {can('campaigns:write') && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ new: true })}>
            {t('new.open')}
          </Button>
        )}
      </PageHeader>
      <Headline />
      <Group my="md" gap="sm" justify="space-between">
        <TextInput
          data-page-search
          aria-label={t('search')}
          placeholder={t('search')}
          leftSection={<IconSearch size={16} aria-hidden />}
          defaultValue={filter.q}
          onChange={(e) => type(e.currentTarget.value.trim())}
          w={{ base: '100%', xs: 260 }}
        />
        <Group gap={6} role="group" aria-label={t('byState')}>
          {states.map((state) => (
            <Chip key={state} size="xs" checked={filter.state === state} onChange={(on) => change({ state: on ? state : undefined })}>
              {t(`frame:states.${state}`)}
            </Chip>
          ))}
          <Switch
            size="xs"
            label={t('archived')}
            checked={filter.archived ?? false}
            onChange={(e) => change({ archived: e.currentTarget.checked || undefined })}
          />
        </Group>
      </Group>
      <SimpleGrid cols={1}>
        <CampaignTable filter={filter} onNew={() => change({ new: true })} />
      </SimpleGrid>
      <NewCampaign opened={filter.new ?? false} onClose={() => change({ new: undefined })} />
    </>
  )
}
