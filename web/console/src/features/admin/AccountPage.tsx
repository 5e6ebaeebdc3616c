import { Skeleton, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { PageHeader } from '@/ui/PageHeader'
import { Trouble } from '@/ui/Trouble'
import { AccountForm } from './account/AccountForm'
import { KillSwitch } from './account/KillSwitch'

/** The account's defaults for new campaigns, its guard rails, and the switch that stops everything. */
export function AccountPage() {
  const { t } = useTranslation('admin')
  const { data, error, refetch } = hooks.useQuery('get', '/v1/account')
  return (
    <>
      <PageHeader title={t('account.title')} text={t('account.text')} />
      {Boolean(error) && <Trouble error={error} retry={() => void refetch()} />}
      {!data && !error && <Skeleton height={400} />}
      {data && (
        <Stack>
          <KillSwitch account={data} />
          <AccountForm account={data} />
        </Stack>
      )}
    </>
  )
}
