import { Button, Center, Group, Loader, SimpleGrid, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { hooks, type Schemas } from '@/api/client'
import { count } from '@/lib/format'
import { byCursor, pagesOf } from '@/ui/pages'
import { Trouble } from '@/ui/Trouble'
import { FixRow } from './FixRow'
import { Wrong } from './Wrong'

type Row = Schemas['RowProblem']
type Props = {
  campaign: string
  code: string
  title: string
  editable: boolean
  onFixed: (result: Schemas['Fix']) => Promise<void>
}

/** The first rows of a cause, and more on demand: where, what stands there, what was expected, and a place to put it right. */
export function ProblemRows({ campaign, code, title, editable, onFixed }: Props) {
  const { t } = useTranslation(['recipients', 'frame'])
  const query = hooks.useInfiniteQuery(
    'get',
    '/v1/campaigns/{campaign}/problems',
    { params: { path: { campaign }, query: { code, limit: 5 } } },
    byCursor,
  )
  const { rows, more, loading, error, loadMore, retry } = pagesOf<Row>(query)
  if (error && rows.length === 0) return <Trouble error={error} retry={retry} />
  if (loading && rows.length === 0) {
    return (
      <Center p="md">
        <Loader size="sm" role="progressbar" aria-label={t('frame:loading')} />
      </Center>
    )
  }
  return (
    <Stack gap={0}>
      <Stack component="ul" role="list" aria-label={title} gap={0} p={0} m={0} style={{ listStyle: 'none' }}>
        {rows.map((p) => (
          <li key={`${p.import}.${p.row}`} className="problem">
            <SimpleGrid cols={{ base: 1, sm: editable ? 2 : 1 }} spacing="sm">
              <div style={{ minWidth: 0 }}>
                <Text size="sm">
                  <Text span size="sm" c="dimmed">
                    {p.column ? t('problem.where', { row: count(p.row), column: p.column }) : t('problem.whereRow', { row: count(p.row) })}
                  </Text>{' '}
                  <Wrong row={p} />
                </Text>
                <Text size="xs">{t('problem.how', { reason: p.reason })}</Text>
                <Text size="xs" c="dimmed">
                  {t('problem.expected', { what: t(`cause.${p.code}.expected`, { defaultValue: '' }) })}
                </Text>
              </div>
              {editable && <FixRow key={p.raw} campaign={campaign} row={p} onFixed={onFixed} />}
            </SimpleGrid>
          </li>
        ))}
      </Stack>
      {Boolean(error) && <Trouble error={error} retry={retry} />}
      {more && (
        <Group mt="xs">
          <Button variant="subtle" size="xs" loading={loading} onClick={loadMore}>
            {t('problems.more')}
          </Button>
        </Group>
      )}
    </Stack>
  )
}
