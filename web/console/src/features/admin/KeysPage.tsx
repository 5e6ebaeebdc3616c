import { Alert, Button, Code, Group, Modal, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconPlus } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { api, hooks, type Schemas } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { useSession } from '@/auth/session'
import { ago, count, date } from '@/lib/format'
import { CopyField } from '@/ui/CopyField'
import { confirm } from '@/ui/confirm'
import { type Column, DataTable } from '@/ui/DataTable'
import { EmptyState } from '@/ui/EmptyState'
import { PageHeader } from '@/ui/PageHeader'
import { byCursor, pagesOf } from '@/ui/pages'
import { StateBadge } from '@/ui/StateBadge'
import { KeyForm } from './keys/KeyForm'
import { keyState } from './keys/keyState'

type Key = Schemas['ApiKey']

const Search = z.object({ new: z.catch(z.optional(z.boolean()), undefined) })
const route = getRouteApi('/frame/admin/keys')

/** The keys of programs: what each may do, when it was last used, and the end of it. */
export function KeysPage() {
  const { t } = useTranslation(['admin', 'frame'])
  const { can } = useSession()
  const navigate = useNavigate()
  const search = Search.parse(route.useSearch())
  const open = (on?: true) => void navigate({ to: '/admin/keys', search: { new: on }, replace: true })
  const fresh = useFresh('/v1/api-keys')
  const [made, show] = useState<Key>()
  const query = hooks.useInfiniteQuery('get', '/v1/api-keys', { params: { query: { limit: 100 } } }, byCursor)
  const now = new Date()
  const revoke = (key: Key) =>
    confirm({
      title: t('keys.revoke', { name: key.name }),
      text: t('keys.revokeText'),
      action: t('keys.revokeAction'),
      danger: true,
      do: async () => {
        await api.DELETE('/v1/api-keys/{key}', { params: { path: { key: key.id } } })
        await fresh()
      },
    })
  const columns: Column<Key>[] = [
    {
      id: 'name',
      title: t('keys.name'),
      cell: (k) => (
        <Stack gap={0} align="flex-start">
          <Text size="sm" fw={600} component="span">
            {k.name}
          </Text>
          <Code>{k.prefix}…</Code>
        </Stack>
      ),
    },
    {
      id: 'scopes',
      title: t('keys.scopes'),
      cell: (k) => (
        <Text size="sm" component="span" lineClamp={2} title={k.scopes.join(', ')}>
          {k.scopes.length > 4 ? t('keys.scopeCount', { n: count(k.scopes.length) }) : k.scopes.join(', ')}
        </Text>
      ),
    },
    { id: 'state', title: t('state'), cell: (k) => <StateBadge state={keyState(k, now)} /> },
    { id: 'used', title: t('keys.used'), cell: (k) => (k.last_used_at ? ago(k.last_used_at, now) : t('keys.neverUsed')) },
    { id: 'expires', title: t('keys.expires'), cell: (k) => (k.expires_at ? date(k.expires_at) : t('keys.days.never')) },
    { id: 'since', title: t('since'), cell: (k) => date(k.created_at) },
  ]
  if (can('keys:write')) {
    columns.push({
      id: 'do',
      title: t('actions'),
      cell: (k) =>
        k.revoked_at ? (
          '—'
        ) : (
          <Button size="compact-xs" variant="default" onClick={() => revoke(k)} aria-label={t('keys.revoke', { name: k.name })}>
            {t('keys.revokeAction')}
          </Button>
        ),
    })
  }
  return (
    <>
      <PageHeader title={t('keys.title')} text={t('keys.text')}>
        {can('keys:write') && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => open(true)}>
            {t('keys.create')}
          </Button>
        )}
      </PageHeader>
      <DataTable
        label={t('keys.title')}
        columns={columns}
        pages={pagesOf(query)}
        rowKey={(k) => k.id}
        empty={<EmptyState title={t('keys.none')} text={t('keys.noneText')} />}
      />
      {search.new && can('keys:write') && <KeyForm onClose={() => open()} onMade={show} />}
      <Modal
        opened={made !== undefined}
        onClose={() => show(undefined)}
        title={t('keys.made')}
        closeOnClickOutside={false}
        closeButtonProps={{ 'aria-label': t('frame:action.close') }}
      >
        <Stack>
          <Alert color="orange" variant="outline" icon={<IconAlertTriangle aria-hidden />}>
            {t('keys.once')}
          </Alert>
          {made?.secret && <CopyField value={made.secret} />}
          <Text size="sm">{t('keys.header')}</Text>
          <Code block>Authorization: Bearer {made?.prefix}…</Code>
          <Group justify="flex-end">
            <Button onClick={() => show(undefined)}>{t('keys.kept')}</Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
