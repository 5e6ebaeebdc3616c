import { Anchor, Button, Menu, Stack, Text } from '@mantine/core'
import { IconEye, IconKey, IconPencil, IconPlayerPlay, IconPlayerStop, IconPlus } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { api, hooks, type Schemas } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { useSession } from '@/auth/session'
import { count } from '@/lib/format'
import { askReason } from '@/ui/askReason'
import { confirm } from '@/ui/confirm'
import { type Column, DataTable } from '@/ui/DataTable'
import { EmptyState } from '@/ui/EmptyState'
import { PageHeader } from '@/ui/PageHeader'
import { byCursor, pagesOf } from '@/ui/pages'
import { RowMenu } from '@/ui/RowMenu'
import { Trouble } from '@/ui/Trouble'
import { HealthCell, RateCell } from './senders/HealthCell'
import { RotateToken } from './senders/RotateToken'
import { SenderDrawer } from './senders/SenderDrawer'
import { SenderForm } from './senders/SenderForm'
import { useHealth } from './senders/useHealth'

type Sender = Schemas['Sender']

const Search = z.object({
  sender: z.catch(z.optional(z.string()), undefined),
  new: z.catch(z.optional(z.boolean()), undefined),
})
const route = getRouteApi('/frame/admin/senders')

/** The numbers that messages go out from: how each stands right now, its settings, stop and start. */
export function SendersPage() {
  const { t } = useTranslation(['admin', 'frame'])
  const { can } = useSession()
  const navigate = useNavigate()
  const search = Search.parse(route.useSearch())
  const change = (next: Partial<typeof search>) => void navigate({ to: '/admin/senders', search: { ...search, ...next }, replace: true })
  const fresh = useFresh('/v1/senders', '/v1/senders/{sender}', '/v1/senders/health')
  const health = useHealth()
  const [editing, edit] = useState<Sender>()
  const [rotating, rotate] = useState<Sender>()
  const query = hooks.useInfiniteQuery('get', '/v1/senders', { params: { query: { limit: 100 } } }, byCursor)
  const brands = hooks.useQuery('get', '/v1/brands', { params: { query: { limit: 200 } } }, { staleTime: 5 * 60_000 })
  const stop = (s: Sender) =>
    askReason({
      title: t('senders.stopTitle', { name: s.name }),
      text: t('senders.stopText'),
      action: t('senders.stop'),
      danger: true,
      do: async (reason) => {
        await api.POST('/v1/senders/{sender}/stop', { params: { path: { sender: s.id } }, body: { reason } })
        await fresh()
      },
    })
  const start = (s: Sender) =>
    confirm({
      title: t('senders.startTitle', { name: s.name }),
      text: s.stop_reason ? t('senders.startText', { reason: s.stop_reason }) : t('senders.startPlain'),
      action: t('senders.start'),
      do: async () => {
        await api.POST('/v1/senders/{sender}/start', { params: { path: { sender: s.id } } })
        await fresh()
      },
    })
  const columns: Column<Sender>[] = [
    {
      id: 'name',
      title: t('senders.name'),
      cell: (s) => (
        <Stack gap={0} align="flex-start">
          <Anchor component="button" type="button" fw={600} onClick={() => change({ sender: s.id })}>
            {s.name}
          </Anchor>
          <Text size="xs" c="dimmed" component="span">
            {s.address}
          </Text>
        </Stack>
      ),
    },
    { id: 'brand', title: t('senders.brand'), cell: (s) => brands.data?.items.find((b) => b.id === s.brand)?.name ?? '—' },
    { id: 'state', title: t('state'), cell: (s) => <HealthCell sender={s} health={health.of(s.id)} /> },
    { id: 'rate', title: t('senders.live'), cell: (s) => <RateCell sender={s} health={health.of(s.id)} /> },
    {
      id: 'waiting',
      title: t('senders.waiting'),
      numeric: true,
      cell: (s) => {
        const h = health.of(s.id)
        return h ? count(h.waiting) : '—'
      },
    },
  ]
  if (can('senders:write')) {
    columns.push({
      id: 'do',
      title: t('actions'),
      width: '5rem',
      cell: (s) => (
        <RowMenu label={t('actionsOf', { name: s.name })}>
          <Menu.Item leftSection={<IconEye size={16} aria-hidden />} onClick={() => change({ sender: s.id })}>
            {t('senders.open')}
          </Menu.Item>
          <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={() => edit(s)}>
            {t('frame:action.edit')}
          </Menu.Item>
          <Menu.Item leftSection={<IconKey size={16} aria-hidden />} onClick={() => rotate(s)}>
            {t('senders.rotate.title')}
          </Menu.Item>
          {s.stopped ? (
            <Menu.Item leftSection={<IconPlayerPlay size={16} aria-hidden />} onClick={() => start(s)}>
              {t('senders.start')}
            </Menu.Item>
          ) : (
            <Menu.Item leftSection={<IconPlayerStop size={16} aria-hidden />} onClick={() => stop(s)}>
              {t('senders.stop')}
            </Menu.Item>
          )}
        </RowMenu>
      ),
    })
  }
  return (
    <>
      <PageHeader title={t('senders.title')} text={t('senders.text')}>
        {can('senders:write') && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ new: true })}>
            {t('senders.create')}
          </Button>
        )}
      </PageHeader>
      {Boolean(health.error) && <Trouble error={health.error} />}
      <DataTable
        label={t('senders.title')}
        columns={columns}
        pages={pagesOf(query)}
        rowKey={(s) => s.id}
        empty={<EmptyState title={t('senders.none')} text={t('senders.noneText')} />}
      />
      <SenderDrawer
        id={search.sender}
        health={search.sender ? health.of(search.sender) : undefined}
        onClose={() => change({ sender: undefined })}
        onEdit={edit}
        onRotate={rotate}
      />
      {search.new && can('senders:write') && (
        <SenderForm onClose={() => change({ new: undefined })} onMade={(sender) => change({ new: undefined, sender })} />
      )}
      {editing && <SenderForm key={editing.id} sender={editing} onClose={() => edit(undefined)} />}
      {rotating && <RotateToken key={rotating.id} sender={rotating} onClose={() => rotate(undefined)} />}
    </>
  )
}
