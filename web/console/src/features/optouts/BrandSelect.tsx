import { Select } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'

type Props = { value: string; onChange: (brand: string) => void; error?: string | null }

/** Which brand; nothing to choose, and nothing shown, when the account has one. */
export function BrandSelect({ value, onChange, error }: Props) {
  const { t } = useTranslation('optouts')
  const { data } = hooks.useQuery('get', '/v1/brands', { params: { query: { limit: 200 } } }, { staleTime: 5 * 60_000 })
  if (!data || data.items.length < 2) return null
  return (
    <Select
      label={t('column.brand')}
      required
      searchable
      value={value || null}
      onChange={(v) => onChange(v ?? '')}
      error={error}
      data={data.items.map((b) => ({ value: b.id, label: b.name }))}
    />
  )
}
