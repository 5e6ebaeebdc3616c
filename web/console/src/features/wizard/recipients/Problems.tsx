import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconDownload } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks, type Schemas } from '@/api/client'
import { useSession } from '@/auth/session'
import { count } from '@/lib/format'
import { confirm } from '@/ui/confirm'
import { Trouble } from '@/ui/Trouble'
import { ProblemGroup } from './ProblemGroup'
import { freshList, type Sums } from './useList'

type Fixed = Schemas['Fix']

/** Rows that are not in the list, by what puts them right. */
export function Problems({ campaign, sums, editable }: { campaign: string; sums: Sums; editable: boolean }) {
  const { t } = useTranslation(['recipients', 'frame'])
  const { can } = useSession()
  const client = useQueryClient()
  const [done, setDone] = useState<Fixed>()
  const { data, error, refetch } = hooks.useQuery('get', '/v1/campaigns/{campaign}/problems', {
    params: { path: { campaign }, query: { limit: 1 } },
  })
  if (error && !data) return <Trouble error={error} retry={() => void refetch()} />
  const groups = data?.groups ?? []
  const open = groups.reduce((n, g) => n + g.count, 0)
  const skipped = sums.rejected - open
  const fixed = async (result: Fixed) => {
    setDone(result)
    await freshList(client, campaign)
  }
  const rejectedRows = can('recipients:export') && (
    <Button
      component="a"
      href={`/v1/campaigns/${campaign}/problems.csv`}
      download
      variant="default"
      size="xs"
      leftSection={<IconDownload size={16} aria-hidden />}
    >
      {t('problems.download')}
    </Button>
  )
  const skipAll = () =>
    confirm({
      title: t('skip.ask', { n: count(open) }),
      text: (
        <Stack gap="sm">
          <Text size="sm">{t('skip.text', { valid: count(sums.valid), n: count(open) })}</Text>
          <div>{rejectedRows}</div>
        </Stack>
      ),
      action: t('skip.do', { valid: count(sums.valid), n: count(open) }),
      do: async () => {
        const answer = await api.POST('/v1/campaigns/{campaign}/problems/fix', {
          params: { path: { campaign } },
          body: { rule: 'discard' },
        })
        if (answer.data) await fixed(answer.data)
      },
    })
  return (
    <Stack gap="sm" component="section" aria-label={t('problems.title', { n: count(open) })}>
      <div role="status">
        {done && <Text size="sm">{t('problems.result', { ...plain(done) })}</Text>}
        {open === 0 && data && (
          <Alert variant="outline" color="teal" icon={<IconCheck aria-hidden />}>
            {skipped > 0 ? t('problems.skipped', { n: count(skipped) }) : t('problems.none')}
          </Alert>
        )}
      </div>
      {open > 0 && (
        <>
          <Group justify="space-between" gap="sm">
            <Title order={2} fz="lg">
              {t('problems.title', { n: count(open) })}
            </Title>
            {rejectedRows}
          </Group>
          {groups.map((group) => (
            <ProblemGroup key={group.code} campaign={campaign} group={group} editable={editable} onFixed={fixed} />
          ))}
          {editable && sums.valid > 0 && (
            <Alert variant="outline" color="orange" icon={<IconAlertTriangle aria-hidden />} title={t('skip.title')}>
              <Stack gap="sm" align="flex-start">
                <Text size="sm">{t('skip.hint')}</Text>
                <Button
                  onClick={skipAll}
                  variant="default"
                  style={{ height: 'auto', minHeight: 36 }}
                  styles={{ label: { whiteSpace: 'normal' } }}
                >
                  {t('skip.do', { valid: count(sums.valid), n: count(open) })}
                </Button>
              </Stack>
            </Alert>
          )}
        </>
      )}
    </Stack>
  )
}

const plain = (f: Fixed) => ({ fixed: count(f.fixed), remaining: count(f.remaining), discarded: count(f.discarded) })
