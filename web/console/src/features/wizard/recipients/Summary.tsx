import { Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { count } from '@/lib/format'
import { Metric } from '@/ui/Metric'
import type { Sums } from './useList'

/** What came of the lists, each figure with what it is a share of, and the person whose text is the longest. */
export function Summary({ campaign, sums }: { campaign: string; sums: Sums }) {
  const { t } = useTranslation('recipients')
  const worst = hooks.useQuery(
    'get',
    '/v1/campaigns/{campaign}/recipients',
    { params: { path: { campaign }, query: { row: sums.worst?.row, limit: 20 } } },
    { enabled: sums.worst !== undefined && sums.worst.segments > 1, staleTime: Number.POSITIVE_INFINITY },
  )
  const longest = [...(worst.data?.items ?? [])].sort((a, b) => b.segments - a.segments)[0] // nobody, when every row was refused
  const wrong = sums.rejected - sums.duplicates
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }}>
        <Metric title={t('sum.valid')} definition={t('sum.define.valid')} part={sums.valid} note={ofRows(sums.valid)} />
        <Metric title={t('sum.wrong')} definition={t('sum.define.wrong')} part={wrong} note={ofRows(wrong)} />
        <Metric title={t('sum.duplicates')} definition={t('sum.define.duplicates')} part={sums.duplicates} note={ofRows(sums.duplicates)} />
        <Metric
          title={t('sum.optedOut')}
          definition={t('sum.define.optedOut')}
          part={sums.optedOut}
          note={t('sum.ofValid', { n: count(sums.optedOut), of: count(sums.valid) })}
        />
      </SimpleGrid>
      {longest && (
        <Paper withBorder p="md" component="section" aria-labelledby="worst-row">
          <Title order={3} fz="sm" id="worst-row">
            {t('worst.title')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('worst.where', { row: count(longest.row), count: longest.segments, units: count(longest.units) })}
          </Text>
          <Text size="sm" className="said" mt={4}>
            {longest.text}
          </Text>
        </Paper>
      )}
    </Stack>
  )

  function ofRows(n: number): string {
    return t('sum.ofRows', { n: count(n), of: count(sums.rows) })
  }
}
