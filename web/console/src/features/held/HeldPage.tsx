import { useTranslation } from 'react-i18next'
import { PageHeader } from '@/ui/PageHeader'
import { HeldList } from './HeldList'

/** All messages of the account that a person has to decide about. */
export function HeldPage() {
  const { t } = useTranslation('held')
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} />
      <HeldList />
    </>
  )
}
