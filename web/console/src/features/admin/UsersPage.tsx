import { Accordion, Button, Menu, Stack, Text } from '@mantine/core'
import { IconKey, IconPencil, IconPlus, IconUserCheck, IconUserOff } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { api, hooks, type Schemas } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { useSession } from '@/auth/session'
import { date } from '@/lib/format'
import { attempt, confirm } from '@/ui/confirm'
import { type Column, DataTable } from '@/ui/DataTable'
import { EmptyState } from '@/ui/EmptyState'
import { PageHeader } from '@/ui/PageHeader'
import { byCursor, pagesOf } from '@/ui/pages'
import { RowMenu } from '@/ui/RowMenu'
import { StateBadge } from '@/ui/StateBadge'
import { Handover, type Secret } from './users/Handover'
import { oneTimePassword } from './users/password'
import { RoleTable } from './users/RoleTable'
import { UserForm } from './users/UserForm'

type User = Schemas['User']

const Search = z.object({ new: z.catch(z.optional(z.boolean()), undefined), roles: z.catch(z.optional(z.boolean()), undefined) })
const route = getRouteApi('/frame/admin/users')

/** Who may sign in, as what, and what each role may do. */
export function UsersPage() {
  const { t } = useTranslation(['admin', 'frame'])
  const { can, me } = useSession()
  const navigate = useNavigate()
  const search = Search.parse(route.useSearch())
  const change = (next: Partial<typeof search>) => void navigate({ to: '/admin/users', search: { ...search, ...next }, replace: true })
  const fresh = useFresh('/v1/users')
  const [editing, edit] = useState<User>()
  const [secret, handOver] = useState<Secret>()
  const query = hooks.useInfiniteQuery('get', '/v1/users', { params: { query: { limit: 100 } } }, byCursor)
  const skills = hooks.useQuery('get', '/v1/skills', { params: { query: { limit: 200, archived: true } } })
  const skillOf = (id: string) => skills.data?.items.find((s) => s.id === id)?.name ?? id
  const patch = async (user: User, body: Schemas['UpdateUserRequest']) => {
    await api.PATCH('/v1/users/{user}', { params: { path: { user: user.id } }, body })
    await fresh()
  }
  const reset = (user: User) =>
    confirm({
      title: t('users.reset'),
      text: t('users.resetText', { name: user.name }),
      action: t('users.resetAction'),
      danger: true,
      do: async () => {
        const password = oneTimePassword()
        await patch(user, { password })
        handOver({ email: user.email, password })
      },
    })
  const disable = (user: User) =>
    confirm({
      title: t('users.disable'),
      text: t('users.disableText', { name: user.name }),
      action: t('users.disableAction'),
      danger: true,
      do: () => patch(user, { disabled: true }),
    })
  const columns: Column<User>[] = [
    {
      id: 'name',
      title: t('users.name'),
      cell: (u) => (
        <Stack gap={0}>
          <Text size="sm" fw={600} component="span">
            {u.name}
            {u.id === me?.user?.id && ` (${t('users.you')})`}
          </Text>
          <Text size="xs" c="dimmed" component="span">
            {u.email}
          </Text>
        </Stack>
      ),
    },
    { id: 'role', title: t('users.role'), cell: (u) => t(`frame:role.${u.role}`) },
    { id: 'skills', title: t('users.skills'), cell: (u) => (u.skills.length ? u.skills.map(skillOf).join(', ') : '—') },
    { id: 'state', title: t('state'), cell: (u) => <StateBadge state={u.disabled ? 'disabled' : 'active'} /> },
    { id: 'since', title: t('since'), cell: (u) => date(u.created_at) },
  ]
  if (can('users:write')) {
    columns.push({
      id: 'do',
      title: t('actions'),
      width: '5rem',
      cell: (u) => (
        <RowMenu label={t('actionsOf', { name: u.name })}>
          <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={() => edit(u)}>
            {t('frame:action.edit')}
          </Menu.Item>
          {u.id !== me?.user?.id && (
            <>
              <Menu.Item leftSection={<IconKey size={16} aria-hidden />} onClick={() => reset(u)}>
                {t('users.resetAction')}
              </Menu.Item>
              {u.disabled ? (
                <Menu.Item
                  leftSection={<IconUserCheck size={16} aria-hidden />}
                  onClick={() => void attempt(() => patch(u, { disabled: false }))}
                >
                  {t('users.enable')}
                </Menu.Item>
              ) : (
                <Menu.Item leftSection={<IconUserOff size={16} aria-hidden />} onClick={() => disable(u)}>
                  {t('users.disableAction')}
                </Menu.Item>
              )}
            </>
          )}
        </RowMenu>
      ),
    })
  }
  return (
    <>
      <PageHeader title={t('users.title')} text={t('users.text')}>
        {can('users:write') && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ new: true })}>
            {t('users.create')}
          </Button>
        )}
      </PageHeader>
      <DataTable
        label={t('users.title')}
        columns={columns}
        pages={pagesOf(query)}
        rowKey={(u) => u.id}
        empty={<EmptyState title={t('users.none')} text={t('users.text')} />}
      />
      <Accordion
        mt="lg"
        variant="contained"
        value={search.roles ? 'roles' : null}
        onChange={(open) => change({ roles: open ? true : undefined })}
      >
        <Accordion.Item value="roles">
          <Accordion.Control>{t('users.matrix')}</Accordion.Control>
          <Accordion.Panel>{search.roles && <RoleTable />}</Accordion.Panel>
        </Accordion.Item>
      </Accordion>
      {search.new && can('users:write') && <UserForm onClose={() => change({ new: undefined })} onSecret={handOver} />}
      {editing && <UserForm key={editing.id} user={editing} onClose={() => edit(undefined)} onSecret={handOver} />}
      <Handover secret={secret} onClose={() => handOver(undefined)} />
    </>
  )
}
