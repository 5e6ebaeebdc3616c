import { Alert, Button, Group, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core'
import { keepPreviousData } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks, type Schemas } from '@/api/client'
import { ApiError } from '@/api/problem'
import { useFresh } from '@/api/useFresh'
import { useSession } from '@/auth/session'
import { count, dateTime } from '@/lib/format'
import { attempt } from '@/ui/confirm'
import { PageHeader } from '@/ui/PageHeader'
import { Trouble } from '@/ui/Trouble'
import { useActors } from './audit/useActors'
import { ClassCard } from './retention/ClassCard'
import { ConfirmDeletion } from './retention/ConfirmDeletion'
import { Holds } from './retention/Holds'
import { losses, type Periods, periodsOf, wire } from './retention/periods'

/** How long the account keeps its data, what would be deleted now, and what is on legal hold. */
export function RetentionPage() {
  const { t } = useTranslation('admin')
  const { data, error, refetch } = hooks.useQuery('get', '/v1/retention')
  return (
    <>
      <PageHeader title={t('retention.title')} text={t('retention.text')} />
      {Boolean(error) && <Trouble error={error} retry={() => void refetch()} />}
      {!data && !error && <Skeleton height={400} />}
      {data && <Editor retention={data} />}
    </>
  )
}

function Editor({ retention }: { retention: Schemas['Retention'] }) {
  const { t } = useTranslation('admin')
  const { can } = useSession()
  const fresh = useFresh('/v1/retention', '/v1/retention/preview')
  const actors = useActors()
  const [draft, edit] = useState<{ periods: Periods; version: number }>()
  const [confirming, setConfirming] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const was = periodsOf(retention)
  const now = draft?.periods ?? was
  const readOnly = !can('retention:write')
  const preview = hooks.useQuery('get', '/v1/retention/preview', { params: { query: wire(now) } }, { placeholderData: keepPreviousData })
  // Of the answer before only what was asked about the same period counts.
  const counted = (preview.data?.classes ?? []).filter((p) => p.days === now[p.class])
  const newer = draft !== undefined && retention.version > draft.version
  const lost = losses(was, now, counted)
  const held = retention.holds.some((h) => !h.campaign)
  const save = async () => {
    setBusy(true)
    setError(undefined)
    try {
      await api.PUT('/v1/retention', { body: { ...wire(now), version: draft?.version ?? retention.version } })
      await fresh()
      edit(undefined)
      await attempt(async () => undefined, t('retention.saved'))
    } catch (failure) {
      setError(failure)
      if (failure instanceof ApiError && failure.code === 'retention_changed') await fresh()
    } finally {
      setBusy(false)
      setConfirming(false)
    }
  }
  return (
    <Stack>
      <Holds holds={retention.holds} readOnly={readOnly} fresh={fresh} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {retention.classes.map((c) => (
          <ClassCard
            key={c.class}
            of={c}
            days={now[c.class]}
            preview={counted.find((p) => p.class === c.class)}
            counting={preview.isFetching}
            held={held}
            readOnly={readOnly}
            onChange={(days) => edit({ periods: { ...now, [c.class]: days }, version: draft?.version ?? retention.version })}
          />
        ))}
      </SimpleGrid>
      {Boolean(preview.error) && <Trouble error={preview.error} retry={() => void preview.refetch()} />}
      {newer && (
        <Alert color="orange" variant="outline" title={t('retention.newer')} role="alert">
          <Group mt="xs">
            <Button size="xs" variant="default" onClick={() => edit(undefined)}>
              {t('retention.takeTheirs')}
            </Button>
            <Button size="xs" variant="default" onClick={() => edit({ periods: now, version: retention.version })}>
              {t('retention.keepMine')}
            </Button>
          </Group>
        </Alert>
      )}
      {Boolean(error) && !newer && <Trouble error={error} />}
      {draft && (
        <Group>
          <Button
            onClick={() => (lost.length > 0 ? setConfirming(true) : void save())}
            loading={busy && !confirming}
            disabled={newer || counted.length < retention.classes.length}
            color={lost.length > 0 ? 'red.9' : undefined}
          >
            {lost.length > 0 ? t('retention.saveAndDelete') : t('retention.save')}
          </Button>
          <Button variant="default" onClick={() => edit(undefined)}>
            {t('retention.discard')}
          </Button>
        </Group>
      )}
      <Text size="xs" c="dimmed">
        {retention.version > 0
          ? t('retention.version', {
              n: count(retention.version),
              who: actors.find((a) => a.id === retention.changed_by)?.name ?? retention.changed_by ?? '—',
              at: dateTime(retention.changed_at),
            })
          : t('retention.noVersion')}
        {retention.last_run_at && ` ${t('retention.lastRun', { at: dateTime(retention.last_run_at) })}`}
      </Text>
      {confirming && <ConfirmDeletion losses={lost} onClose={() => setConfirming(false)} save={save} />}
    </Stack>
  )
}
