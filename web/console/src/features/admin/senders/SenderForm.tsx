import { NumberInput, PasswordInput, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { BrandSelect } from '@/features/optouts/BrandSelect'
import { FormModal } from '@/ui/FormModal'
import { useSubmit } from '@/ui/useSubmit'
import { useOnlyBrand } from './useOnlyBrand'

type Props = { sender?: Schemas['Sender']; onClose: () => void; onMade?: (sender: string) => void }

/** Creates a sender or changes one. Credentials are written here and never read back. */
export function SenderForm({ sender, onClose, onMade }: Props) {
  const { t } = useTranslation(['admin', 'frame'])
  const fresh = useFresh('/v1/senders', '/v1/senders/{sender}', '/v1/senders/health')
  const onlyBrand = useOnlyBrand()
  const form = useForm({
    initialValues: {
      name: sender?.name ?? '',
      address: sender?.address ?? '',
      brand: sender?.brand ?? '',
      account_sid: sender?.account_sid ?? '',
      auth_token: '',
      messaging_service_sid: sender?.messaging_service_sid ?? '',
      base_url: sender?.base_url ?? '',
      rate: sender?.rate ?? 1,
    },
  })
  const { submit, busy, rest } = useSubmit(form, async (v) => {
    const common = { name: v.name.trim(), account_sid: v.account_sid.trim(), rate: Number(v.rate) }
    if (sender) {
      const body = { ...common, base_url: v.base_url.trim(), messaging_service_sid: v.messaging_service_sid.trim() }
      await api.PATCH('/v1/senders/{sender}', { params: { path: { sender: sender.id } }, body })
      await fresh()
      onClose()
      return
    }
    const { data } = await api.POST('/v1/senders', {
      body: {
        ...common,
        address: v.address.replace(/[\s().-]/g, ''),
        auth_token: v.auth_token,
        brand: v.brand || onlyBrand,
        base_url: v.base_url.trim() || undefined,
        messaging_service_sid: v.messaging_service_sid.trim() || undefined,
        channel: 'sms',
        provider: 'twilio',
      },
    })
    await fresh()
    onClose()
    if (data) onMade?.(data.id)
  })
  return (
    <FormModal
      opened
      onClose={onClose}
      title={t(sender ? 'senders.change' : 'senders.create')}
      action={t(sender ? 'frame:action.save' : 'senders.create')}
      busy={busy}
      rest={rest}
      size="lg"
      onSubmit={submit}
    >
      <TextInput
        label={t('senders.name')}
        description={t('senders.nameHint')}
        required
        data-autofocus
        maxLength={200}
        {...form.getInputProps('name')}
      />
      {!sender && (
        <>
          <TextInput
            label={t('senders.address')}
            description={t('senders.addressHint')}
            required
            inputMode="tel"
            {...form.getInputProps('address')}
          />
          <BrandSelect value={form.values.brand} onChange={(v) => form.setFieldValue('brand', v)} error={form.errors.brand as string} />
        </>
      )}
      <TextInput
        label={t('senders.accountSID')}
        description={t('senders.accountSIDHint')}
        required
        autoComplete="off"
        {...form.getInputProps('account_sid')}
      />
      {!sender && (
        <PasswordInput
          label={t('senders.token')}
          description={t('senders.tokenHint')}
          required
          autoComplete="new-password"
          {...form.getInputProps('auth_token')}
        />
      )}
      <NumberInput
        label={t('senders.rate')}
        description={t('senders.rateHint')}
        required
        min={1}
        max={100_000}
        allowDecimal={false}
        {...form.getInputProps('rate')}
      />
      <TextInput
        label={t('senders.service')}
        description={t('senders.serviceHint')}
        autoComplete="off"
        {...form.getInputProps('messaging_service_sid')}
      />
      <TextInput
        label={t('senders.baseURL')}
        description={t(sender ? 'senders.baseURLNow' : 'senders.baseURLHint')}
        autoComplete="off"
        {...form.getInputProps('base_url')}
      />
    </FormModal>
  )
}
