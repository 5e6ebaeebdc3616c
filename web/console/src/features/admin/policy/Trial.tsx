import { Alert, Box, Button, Group, List, Select, Stack, Table, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { hooks, type Schemas } from '@/api/client'
import { fromInput } from '@/features/wizard/schedule/moment'
import { count, dateTime } from '@/lib/format'
import { Trouble } from '@/ui/Trouble'
import type { Policy } from './policy'

/** What the policy as it is chosen would do to a campaign's list. It changes nothing. */
export function Trial({ policy }: { policy: Policy }) {
  const { t } = useTranslation(['admin', 'frame'])
  const [campaign, pick] = useState<string | null>(null)
  const [start, setStart] = useState('')
  const campaigns = hooks.useQuery('get', '/v1/campaigns', { params: { query: { limit: 100 } } })
  const { mutate, data, error, isPending, variables } = hooks.useMutation('post', '/v1/policy/simulate')
  const launchAt = fromInput(start)
  const changed = (asked: Schemas['SimulatePolicyRequest']) =>
    JSON.stringify(asked.policy) !== JSON.stringify(policy) || (asked.launch_at ?? '') !== (launchAt ?? '')
  const stale = data && variables && changed(variables.body)
  return (
    <Stack>
      <Text size="sm">{t('policy.trialText')}</Text>
      <Group align="flex-end">
        <Select
          label={t('policy.campaign')}
          searchable
          data={(campaigns.data?.items ?? []).filter((c) => c.recipients > 0).map((c) => ({ value: c.id, label: c.name }))}
          nothingFoundMessage={t('frame:palette.nothing')}
          value={campaign}
          onChange={pick}
          w={{ base: '100%', xs: 320 }}
        />
        <TextInput
          type="datetime-local"
          label={t('policy.start')}
          value={start}
          onChange={(e) => setStart(e.currentTarget.value)}
          w={{ base: '100%', xs: 320 }}
        />
        <Button
          variant="default"
          disabled={!campaign}
          loading={isPending}
          onClick={() => campaign && mutate({ body: { campaign, policy, ...(launchAt ? { launch_at: launchAt } : {}) } })}
        >
          {t('policy.try')}
        </Button>
      </Group>
      {Boolean(error) && <Trouble error={error} />}
      <div role="status">
        {stale && (
          <Alert color="orange" variant="outline" mb="sm">
            {t('policy.stale')}
          </Alert>
        )}
        {data && <Outcome result={data} />}
      </div>
    </Stack>
  )
}

function Outcome({ result }: { result: Schemas['Simulation'] }) {
  const { t } = useTranslation('admin')
  const all = result.total.recipients
  const cells = (e: Schemas['Effect']) => (
    <>
      <Table.Td className="number">{count(e.recipients)}</Table.Td>
      <Table.Td className="number">{count(e.shifted)}</Table.Td>
      <Table.Td className="number">{count(e.blocked)}</Table.Td>
      <Table.Td className="number">{count(e.capped)}</Table.Td>
    </>
  )
  return (
    <Stack gap="sm">
      <Text fw={600}>
        {t('policy.sum', {
          start: dateTime(result.start),
          all: count(all),
          shifted: count(result.total.shifted),
          blocked: count(result.total.blocked),
          capped: count(result.total.capped),
        })}
        {result.total.until && ` ${t('policy.until', { at: dateTime(result.total.until) })}`}
      </Text>
      <Box component="section" style={{ overflow: 'auto', maxHeight: 420 }} tabIndex={0} aria-label={t('policy.byRule')}>
        <Table miw={560} stickyHeader verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('policy.rule')}</Table.Th>
              {(['people', 'shifted', 'blocked', 'capped'] as const).map((k) => (
                <Table.Th key={k} className="number">
                  {t(`policy.${k}`)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {result.rules.map((r) => (
              <Table.Tr key={r.rule}>
                <Table.Th scope="row" fw={400}>
                  {r.area || r.rule}
                  {r.cite && (
                    <Text size="xs" c="dimmed">
                      {r.cite}
                    </Text>
                  )}
                </Table.Th>
                {cells(r.effect)}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Box>
      {result.gaps.length > 0 && (
        <>
          <Text size="sm" fw={500}>
            {t('policy.gaps')}
          </Text>
          <List size="xs">
            {result.gaps.map((g) => (
              <List.Item key={g}>{g}</List.Item>
            ))}
          </List>
        </>
      )}
    </Stack>
  )
}
