import { Alert, Anchor, Button, Checkbox, Group, Loader, Menu, Select, Text } from '@mantine/core'
import { IconChevronDown, IconDownload } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks, type Schemas } from '@/api/client'
import { ago, count, dateTime } from '@/lib/format'
import { confirm } from '@/ui/confirm'
import { type Column, DataTable } from '@/ui/DataTable'
import { EmptyState } from '@/ui/EmptyState'
import { byCursor, pagesOf } from '@/ui/pages'

type Held = Schemas['HeldMessage']
type Action = Schemas['HeldOrder']['action']

const actions: Action[] = ['treat_as_sent', 'resend', 'give_up']

/** Messages that may have been sent and cannot be proven: a person decides, one by one or many at once. */
export function HeldList({ campaign }: { campaign?: string }) {
  const { t } = useTranslation(['held', 'frame'])
  const [older, setOlder] = useState<string | null>(null)
  const [chosen, setChosen] = useState<Set<string>>(new Set())
  const [order, setOrder] = useState<string>()
  const hours = older ? Number(older) : undefined
  const query = hooks.useInfiniteQuery(
    'get',
    '/v1/held',
    { params: { query: { campaign, older_than_hours: hours, limit: 100 } } },
    byCursor,
  )
  const pages = pagesOf(query)
  const total = query.data?.pages[0]?.total ?? 0
  const running = hooks.useQuery(
    'get',
    '/v1/held/orders/{order}',
    { params: { path: { order: order ?? '' } } },
    { enabled: Boolean(order), refetchInterval: (q) => (q.state.data?.finished_at ? false : 1000) },
  )

  const decide = (action: Action, which: 'chosen' | 'all') => {
    const n = which === 'chosen' ? chosen.size : total
    confirm({
      title: t(`ask.${action}`, { count: n, n: count(n) }),
      text: t(`explain.${action}`),
      action: t(`action.${action}`),
      danger: action !== 'treat_as_sent',
      do: async () => {
        const narrow =
          which === 'chosen'
            ? { messages: [...chosen] }
            : { campaign, older_than_hours: hours, all: !campaign && !hours ? true : undefined }
        const { data } = await api.POST('/v1/held/resolve', { body: { action, ...narrow } })
        setOrder(data?.id)
        setChosen(new Set())
        await query.refetch()
      },
    })
  }
  const toggle = (id: string, on: boolean) =>
    setChosen((was) => {
      const next = new Set(was)
      if (on) next.add(id)
      else next.delete(id)
      return next
    })

  const columns: Column<Held>[] = [
    {
      id: 'choose',
      title: t('column.choose'),
      width: '5rem',
      cell: (m) => (
        <Checkbox
          aria-label={t('choose', { address: m.address })}
          checked={chosen.has(m.message)}
          onChange={(e) => toggle(m.message, e.currentTarget.checked)}
        />
      ),
    },
    {
      id: 'address',
      title: t('column.address'),
      cell: (m) =>
        m.campaign && m.recipient ? (
          <Anchor
            component={Link}
            to="/campaigns/$campaign/recipients/$recipient"
            params={{ campaign: m.campaign, recipient: m.recipient } as never}
            search={{} as never}
            style={{ whiteSpace: 'nowrap' }}
          >
            {m.address}
          </Anchor>
        ) : (
          m.address
        ),
    },
    ...(campaign ? [] : [{ id: 'campaign', title: t('column.campaign'), cell: (m: Held) => m.campaign_name ?? t('direct') }]),
    {
      id: 'doubt',
      title: t('column.doubt'),
      cell: (m) => (
        <Text size="sm" component="span">
          {m.doubt}
        </Text>
      ),
    },
    { id: 'at', title: t('column.at'), cell: (m) => <span title={dateTime(m.attempted_at)}>{ago(m.attempted_at)}</span> },
    { id: 'lookups', title: t('column.lookups'), numeric: true, cell: (m) => count(m.lookups) },
  ]
  const menu = (which: 'chosen' | 'all', label: string, disabled: boolean) => (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button variant="default" disabled={disabled} rightSection={<IconChevronDown size={14} aria-hidden />}>
          {label}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {actions.map((action) => (
          <Menu.Item key={action} onClick={() => decide(action, which)}>
            {t(`action.${action}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
  return (
    <>
      <Group mb="sm" gap="sm">
        <Select
          aria-label={t('older')}
          placeholder={t('older')}
          clearable
          clearButtonProps={{ 'aria-label': t('frame:action.clear') }}
          value={older}
          onChange={setOlder}
          data={['1', '24', '72', '168'].map((h) => ({ value: h, label: t('olderThan', { count: Number(h) }) }))}
        />
        {menu('chosen', t('decideChosen', { n: count(chosen.size) }), chosen.size === 0)}
        {menu('all', t('decideAll', { n: count(total) }), total === 0)}
        <Button component="a" href="/v1/held.csv" download variant="default" leftSection={<IconDownload size={16} aria-hidden />}>
          CSV
        </Button>
      </Group>
      {running.data && (
        <Alert
          mb="sm"
          color={running.data.finished_at ? 'teal' : 'indigo'}
          variant="outline"
          role="status"
          icon={running.data.finished_at ? undefined : <Loader size={16} aria-hidden />}
        >
          {t(running.data.finished_at ? 'order.over' : 'order.running', {
            resolved: count(running.data.resolved),
            matched: count(running.data.matched),
            left: count(running.data.left),
          })}
        </Alert>
      )}
      <DataTable
        label={t('title')}
        columns={columns}
        pages={pages}
        rowKey={(m) => m.message}
        empty={<EmptyState title={t('none')} text={t('noneText')} />}
      />
    </>
  )
}
