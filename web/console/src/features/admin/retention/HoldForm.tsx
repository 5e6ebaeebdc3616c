import { Select, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks } from '@/api/client'
import { FormModal } from '@/ui/FormModal'
import { useSubmit } from '@/ui/useSubmit'

type Props = { ofCampaign: boolean; taken: string[]; onClose: () => void; fresh: () => Promise<void> }

/** Puts the account or one campaign on legal hold; the reason stands in the audit log. */
export function HoldForm({ ofCampaign, taken, onClose, fresh }: Props) {
  const { t } = useTranslation('admin')
  const form = useForm({
    initialValues: { campaign: '', reason: '' },
    validate: {
      campaign: (id) => (ofCampaign && !id ? t('retention.hold.noCampaign') : null),
      reason: (text) => (text.trim() ? null : t('retention.hold.noReason')),
    },
  })
  const { submit, busy, rest } = useSubmit(form, async ({ campaign, reason }) => {
    await api.POST('/v1/retention/hold', { body: ofCampaign ? { campaign, reason } : { reason } })
    await fresh()
    onClose()
  })
  return (
    <FormModal
      opened
      onClose={onClose}
      title={ofCampaign ? t('retention.hold.add') : t('retention.hold.account')}
      action={t('retention.hold.action')}
      busy={busy}
      rest={rest}
      onSubmit={submit}
    >
      <Text size="sm">{t('retention.hold.formText')}</Text>
      {ofCampaign && <CampaignSelect taken={taken} {...form.getInputProps('campaign')} />}
      <TextInput
        label={t('retention.hold.reason')}
        description={t('retention.hold.reasonHint')}
        maxLength={200}
        data-autofocus={!ofCampaign || undefined}
        {...form.getInputProps('reason')}
      />
    </FormModal>
  )
}

type SelectProps = { taken: string[]; value?: string; onChange?: (value: string) => void; error?: React.ReactNode }

/** Finds a campaign by part of its name; archived ones too. */
function CampaignSelect({ taken, value, onChange, error }: SelectProps) {
  const { t } = useTranslation('admin')
  const [search, setSearch] = useState('')
  const [chosen, choose] = useState<{ value: string; label: string }>()
  const [q] = useDebouncedValue(search === chosen?.label ? '' : search, 250)
  const found = hooks.useQuery('get', '/v1/campaigns', { params: { query: { q: q || undefined, archived: true, limit: 20 } } })
  const items = (found.data?.items ?? [])
    .filter((c) => c.state !== 'draft' && !taken.includes(c.id))
    .map((c) => ({ value: c.id, label: c.name }))
  const data = chosen && !items.some((i) => i.value === chosen.value) ? [chosen, ...items] : items
  return (
    <Select
      label={t('retention.hold.campaign')}
      placeholder={t('retention.hold.search')}
      data={data}
      searchable
      filter={({ options }) => options}
      searchValue={search}
      onSearchChange={setSearch}
      nothingFoundMessage={t('retention.hold.notFound')}
      value={value || null}
      onChange={(id) => {
        choose(data.find((d) => d.value === id))
        onChange?.(id ?? '')
      }}
      error={error}
      data-autofocus
    />
  )
}
