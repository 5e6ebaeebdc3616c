import { Badge, Button, Group, Menu, Switch, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconArchive, IconArchiveOff, IconPencil, IconPlus, IconSearch } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { api, hooks, type Schemas } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { useSession } from '@/auth/session'
import { attempt, confirm } from '@/ui/confirm'
import { type Column, DataTable } from '@/ui/DataTable'
import { EmptyState } from '@/ui/EmptyState'
import { PageHeader } from '@/ui/PageHeader'
import { byCursor, pagesOf } from '@/ui/pages'
import { RowMenu } from '@/ui/RowMenu'
import { StateBadge } from '@/ui/StateBadge'
import { SkillForm } from './skills/SkillForm'

type Skill = Schemas['Skill']

const Search = z.object({
  q: z.catch(z.optional(z.coerce.string()), undefined),
  archived: z.catch(z.optional(z.boolean()), undefined),
  new: z.catch(z.optional(z.boolean()), undefined),
})
const route = getRouteApi('/frame/admin/skills')

/** What answers are about, and so which agents get them. */
export function SkillsPage() {
  const { t } = useTranslation(['admin', 'frame'])
  const { can } = useSession()
  const navigate = useNavigate()
  const search = Search.parse(route.useSearch())
  const change = (next: Partial<typeof search>) => void navigate({ to: '/admin/skills', search: { ...search, ...next }, replace: true })
  const type = useDebouncedCallback((q: string) => change({ q: q || undefined }), 300)
  const fresh = useFresh('/v1/skills')
  const [editing, edit] = useState<Skill>()
  const account = hooks.useQuery('get', '/v1/account', {}, { enabled: can('account:read') })
  const query = hooks.useInfiniteQuery(
    'get',
    '/v1/skills',
    { params: { query: { q: search.q, archived: search.archived, limit: 100 } } },
    byCursor,
  )
  const archive = async (skill: Skill, archived: boolean) => {
    await api.PATCH('/v1/skills/{skill}', { params: { path: { skill: skill.id } }, body: { archived } })
    await fresh()
  }
  const columns: Column<Skill>[] = [
    {
      id: 'name',
      title: t('skills.name'),
      cell: (s) => (
        <Group gap="xs" component="span">
          {s.name}
          {s.id === account.data?.default_skill && (
            <Badge variant="outline" tt="none">
              {t('skills.default')}
            </Badge>
          )}
        </Group>
      ),
    },
    { id: 'state', title: t('state'), cell: (s) => <StateBadge state={s.archived_at ? 'archived' : 'active'} /> },
  ]
  if (can('skills:write')) {
    columns.push({
      id: 'do',
      title: t('actions'),
      width: '5rem',
      cell: (s) => (
        <RowMenu label={t('actionsOf', { name: s.name })}>
          <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={() => edit(s)}>
            {t('skills.rename')}
          </Menu.Item>
          {s.archived_at ? (
            <Menu.Item leftSection={<IconArchiveOff size={16} aria-hidden />} onClick={() => void attempt(() => archive(s, false))}>
              {t('skills.restore')}
            </Menu.Item>
          ) : (
            <Menu.Item
              leftSection={<IconArchive size={16} aria-hidden />}
              onClick={() =>
                confirm({
                  title: t('skills.archiveTitle', { name: s.name }),
                  text: t('skills.archiveText'),
                  action: t('skills.archive'),
                  do: () => archive(s, true),
                })
              }
            >
              {t('skills.archive')}
            </Menu.Item>
          )}
        </RowMenu>
      ),
    })
  }
  return (
    <>
      <PageHeader title={t('skills.title')} text={t('skills.text')}>
        {can('skills:write') && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ new: true })}>
            {t('skills.create')}
          </Button>
        )}
      </PageHeader>
      <Group mb="md" gap="md">
        <TextInput
          data-page-search
          aria-label={t('skills.search')}
          placeholder={t('skills.search')}
          leftSection={<IconSearch size={16} aria-hidden />}
          defaultValue={search.q}
          onChange={(e) => type(e.currentTarget.value.trim())}
          w={{ base: '100%', xs: 260 }}
        />
        <Switch
          label={t('skills.archived')}
          checked={search.archived ?? false}
          onChange={(e) => change({ archived: e.currentTarget.checked || undefined })}
        />
      </Group>
      <DataTable
        label={t('skills.title')}
        columns={columns}
        pages={pagesOf(query)}
        rowKey={(s) => s.id}
        empty={<EmptyState title={t(search.q ? 'skills.noneFound' : 'skills.none')} text={t('skills.text')} />}
      />
      {search.new && can('skills:write') && <SkillForm onClose={() => change({ new: undefined })} />}
      {editing && <SkillForm key={editing.id} skill={editing} onClose={() => edit(undefined)} />}
    </>
  )
}
