import { Anchor, Button, Code, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconDownload } from '@tabler/icons-react'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { hooks, type Schemas } from '@/api/client'
import { dateTime } from '@/lib/format'
import { type Column, DataTable } from '@/ui/DataTable'
import { EmptyState } from '@/ui/EmptyState'
import { PageHeader } from '@/ui/PageHeader'
import { byCursor, pagesOf } from '@/ui/pages'
import { type AuditFilter, AuditSearch, auditFile, auditQuery } from './audit/filter'
import { useActors } from './audit/useActors'

type Entry = Schemas['Audit']

const kinds = [
  'account',
  'api_key',
  'brand',
  'campaign',
  'export',
  'held',
  'message',
  'opt_in',
  'opt_out',
  'prices',
  'retention',
  'quarantine',
  'sender',
  'skill',
  'user',
] as const
const route = getRouteApi('/frame/admin/audit')

/** Every privileged change: who, what, when. Entries are never altered. */
export function AuditPage() {
  const { t } = useTranslation(['admin', 'frame'])
  const navigate = useNavigate()
  const filter = AuditSearch.parse(route.useSearch())
  const change = (next: Partial<AuditFilter>) =>
    void navigate({ to: '/admin/audit', search: { ...filter, ...next } as AuditFilter, replace: true })
  const type = useDebouncedCallback((subject: string) => change({ subject: subject || undefined }), 300)
  const actors = useActors()
  const nameOf = (id: string) => (id === 'system' ? t('audit.system') : (actors.find((a) => a.id === id)?.name ?? id))
  const query = hooks.useInfiniteQuery('get', '/v1/audit', { params: { query: { ...auditQuery(filter), limit: 100 } } }, byCursor)
  const filtered = Object.values(filter).some(Boolean)
  const columns: Column<Entry>[] = [
    { id: 'at', title: t('audit.at'), cell: (e) => dateTime(e.at), width: '11rem' },
    { id: 'actor', title: t('audit.actor'), cell: (e) => nameOf(e.actor), width: '12rem' },
    { id: 'action', title: t('audit.action'), cell: (e) => <Code>{e.action}</Code>, width: '14rem' },
    {
      id: 'detail',
      title: t('audit.detail'),
      cell: (e) => (
        <Stack gap={0}>
          <Text size="sm" component="span">
            {e.detail || '—'}
          </Text>
          {e.subject.startsWith('cmp_') ? (
            <Anchor component={Link} to="/campaigns/$campaign" params={{ campaign: e.subject } as never} search={{} as never} size="xs">
              {e.subject}
            </Anchor>
          ) : (
            <Text size="xs" c="dimmed" component="span">
              {e.subject}
            </Text>
          )}
        </Stack>
      ),
    },
  ]
  return (
    <>
      <PageHeader title={t('audit.title')} text={t('audit.text')}>
        <Button
          component="a"
          href={auditFile(filter)}
          download="audit.csv"
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
        >
          {t('audit.csv')}
        </Button>
      </PageHeader>
      <Group mb="md" gap="sm" align="flex-end">
        <Select
          label={t('audit.kind')}
          placeholder={t('audit.all')}
          clearable
          searchable
          data={kinds.map((k) => ({ value: `${k}.`, label: t(`audit.kinds.${k}`) }))}
          value={filter.action ?? null}
          onChange={(v) => change({ action: v ?? undefined })}
          w={{ base: '100%', xs: 200 }}
        />
        <Select
          label={t('audit.actor')}
          placeholder={t('audit.all')}
          clearable
          searchable
          data={[...actors.map((a) => ({ value: a.id, label: a.name })), { value: 'system', label: t('audit.system') }]}
          value={filter.actor ?? null}
          onChange={(v) => change({ actor: v ?? undefined })}
          w={{ base: '100%', xs: 200 }}
        />
        <TextInput
          data-page-search
          label={t('audit.subject')}
          placeholder="cmp_… snd_… usr_…"
          defaultValue={filter.subject}
          onChange={(e) => type(e.currentTarget.value.trim())}
          w={{ base: '100%', xs: 200 }}
        />
        <TextInput
          type="date"
          label={t('audit.from')}
          value={filter.from ?? ''}
          max={filter.to}
          onChange={(e) => change({ from: e.currentTarget.value || undefined })}
        />
        <TextInput
          type="date"
          label={t('audit.to')}
          value={filter.to ?? ''}
          min={filter.from}
          onChange={(e) => change({ to: e.currentTarget.value || undefined })}
        />
      </Group>
      <DataTable
        label={t('audit.title')}
        columns={columns}
        pages={pagesOf(query)}
        rowKey={(e) => e.id}
        empty={<EmptyState title={t(filtered ? 'audit.noneFound' : 'audit.none')} text={t('audit.text')} />}
      />
    </>
  )
}
