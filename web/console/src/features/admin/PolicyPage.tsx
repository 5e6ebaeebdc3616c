import { Paper, SimpleGrid, Skeleton, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { useSession } from '@/auth/session'
import { PageHeader } from '@/ui/PageHeader'
import { Trouble } from '@/ui/Trouble'
import { DefaultWindow } from './policy/DefaultWindow'
import { PolicyEditor } from './policy/PolicyEditor'

/** When and how often people may be written to: the account's window, policy packs and frequency cap. */
export function PolicyPage() {
  const { t } = useTranslation('admin')
  const { can } = useSession()
  const account = hooks.useQuery('get', '/v1/account')
  const active = hooks.useQuery('get', '/v1/policy')
  const packs = hooks.useQuery('get', '/v1/policy/packs', {}, { staleTime: 60 * 60_000 })
  const readOnly = !can('account:write')
  const failed = [account, active, packs].find((q) => q.error)
  return (
    <>
      <PageHeader title={t('policy.title')} text={t('policy.text')} />
      {failed && <Trouble error={failed.error} retry={() => void failed.refetch()} />}
      <SimpleGrid cols={1}>
        <Paper withBorder p="md" radius="md" component="section">
          <Title order={2} fz="lg" mb="sm">
            {t('policy.window')}
          </Title>
          {account.data ? <DefaultWindow account={account.data} readOnly={readOnly} /> : !failed && <Skeleton height={260} />}
        </Paper>
        <Paper withBorder p="md" radius="md" component="section">
          <Title order={2} fz="lg" mb="sm">
            {t('policy.packs')}
          </Title>
          {active.data && packs.data ? (
            <PolicyEditor active={active.data} packs={packs.data.items} readOnly={readOnly} />
          ) : (
            !failed && <Skeleton height={260} />
          )}
        </Paper>
      </SimpleGrid>
    </>
  )
}
