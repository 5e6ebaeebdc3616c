import { Alert, Button, Group, Skeleton, Stack, Text, TextInput } from '@mantine/core'
import { IconDownload, IconFileUpload, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks, type Schemas } from '@/api/client'
import { ApiError } from '@/api/problem'
import { useFresh } from '@/api/useFresh'
import { useSession } from '@/auth/session'
import { saveText, toCSV } from '@/lib/download'
import { count, dateTime } from '@/lib/format'
import { attempt } from '@/ui/confirm'
import { EmptyState } from '@/ui/EmptyState'
import { PageHeader } from '@/ui/PageHeader'
import { Trouble } from '@/ui/Trouble'
import { useActors } from './audit/useActors'
import { PastePrices } from './prices/PastePrices'
import { PriceTable } from './prices/PriceTable'
import { columns, pricesOf, type Row, rowsOf, wrong } from './prices/prices'

type Draft = { rows: Row[]; currency: string; version: number }

const draftOf = (p: Schemas['Prices']): Draft => ({ rows: rowsOf(p.prices), currency: p.currency || 'USD', version: p.version })

/** What a segment costs by destination. Saving makes a new version; launched campaigns keep theirs. */
export function PricesPage() {
  const { t } = useTranslation(['admin', 'frame'])
  const { data, error, refetch } = hooks.useQuery('get', '/v1/prices')
  return (
    <>
      <PageHeader title={t('prices.title')} text={t('prices.text')} />
      {Boolean(error) && <Trouble error={error} retry={() => void refetch()} />}
      {!data && !error && <Skeleton height={300} />}
      {data && <Editor table={data} />}
    </>
  )
}

function Editor({ table }: { table: Schemas['Prices'] }) {
  const { t } = useTranslation(['admin', 'frame'])
  const { can } = useSession()
  const fresh = useFresh('/v1/prices')
  const [draft, edit] = useState<Draft>()
  const [pasting, paste] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const actors = useActors()
  const now = draft ?? draftOf(table)
  const readOnly = !can('prices:write')
  const change = (next: Partial<Draft>) => edit({ ...now, ...next })
  const nextKey = 1 + Math.max(-1, ...now.rows.map((r) => r.key))
  const blank: Row = { key: nextKey, channel: 'sms', country: '', prefix: '', provider: '', sender: '', price: '' }
  const bad = now.rows.filter((r) => wrong(r)).length
  const newer = draft !== undefined && table.version > draft.version
  const save = async () => {
    setBusy(true)
    setError(undefined)
    try {
      await api.PUT('/v1/prices', {
        body: { currency: now.currency.trim().toUpperCase(), prices: pricesOf(now.rows), version: now.version },
      })
      await fresh()
      edit(undefined)
      await attempt(async () => undefined, t('prices.saved'))
    } catch (failure) {
      setError(failure)
      if (failure instanceof ApiError && failure.code === 'prices_changed') await fresh()
    } finally {
      setBusy(false)
    }
  }
  const csv = () => saveText('prices.csv', toCSV([[...columns], ...now.rows.map((r) => columns.map((c) => r[c]))]), 'text/csv')
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <Stack gap={4}>
          <TextInput
            label={t('prices.currency')}
            value={now.currency}
            readOnly={readOnly}
            onChange={(e) => change({ currency: e.currentTarget.value })}
            maxLength={3}
            w={120}
          />
          <Text size="xs" c="dimmed">
            {table.version > 0
              ? t('prices.version', {
                  n: count(table.version),
                  who: actors.find((a) => a.id === table.changed_by)?.name ?? table.changed_by ?? '—',
                  at: dateTime(table.changed_at),
                })
              : t('prices.noVersion')}
          </Text>
        </Stack>
        <Group gap="xs">
          <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />} onClick={csv} disabled={now.rows.length === 0}>
            CSV
          </Button>
          {!readOnly && (
            <>
              <Button variant="default" leftSection={<IconFileUpload size={16} aria-hidden />} onClick={() => paste(true)}>
                {t('prices.paste')}
              </Button>
              <Button
                variant="default"
                leftSection={<IconPlus size={16} aria-hidden />}
                onClick={() => change({ rows: [blank, ...now.rows] })}
              >
                {t('prices.add')}
              </Button>
            </>
          )}
        </Group>
      </Group>
      {newer && (
        <Alert color="orange" variant="outline" title={t('prices.newer')} role="alert">
          <Text size="sm">{t('prices.newerText', { n: count(table.version) })}</Text>
          <Group mt="xs">
            <Button size="xs" variant="default" onClick={() => edit(undefined)}>
              {t('prices.takeTheirs')}
            </Button>
            <Button size="xs" variant="default" onClick={() => change({ version: table.version })}>
              {t('prices.keepMine')}
            </Button>
          </Group>
        </Alert>
      )}
      {Boolean(error) && !newer && <Trouble error={error} />}
      {now.rows.length === 0 ? (
        <EmptyState title={t('prices.none')} text={t('prices.noneText')} />
      ) : (
        <PriceTable rows={now.rows} readOnly={readOnly} onChange={(rows) => change({ rows })} />
      )}
      <Text size="xs" c="dimmed">
        {t('prices.rule')}
      </Text>
      {draft && (
        <Group>
          <Button onClick={() => void save()} loading={busy} disabled={bad > 0 || newer}>
            {t('prices.save', { n: count(now.rows.length) })}
          </Button>
          <Button variant="default" onClick={() => edit(undefined)}>
            {t('prices.discard')}
          </Button>
          {bad > 0 && (
            <Text size="sm" role="status">
              {t('prices.bad', { n: count(bad) })}
            </Text>
          )}
        </Group>
      )}
      <PastePrices
        opened={pasting}
        onClose={() => paste(false)}
        onRows={(rows, replace) => {
          const kept = replace ? [] : now.rows
          change({ rows: [...kept, ...rows.map((r, i) => ({ ...r, key: nextKey + i }))] })
        }}
      />
    </Stack>
  )
}
