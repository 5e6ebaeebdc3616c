import { Alert, Button, Group, Modal, Stack, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '@/api/client'
import { attempt } from '@/ui/confirm'
import { useFormErrors } from '@/ui/formErrors'
import { BrandSelect } from './BrandSelect'
import { useFreshOptOuts } from './OptOutTable'

/** Somebody stopped by phone, letter or mail: effective with the answer of the server. */
export function RecordOptOut({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation(['optouts', 'frame'])
  const fresh = useFreshOptOuts()
  const [busy, setBusy] = useState(false)
  const form = useForm({ initialValues: { address: '', brand: '', evidence: '' } })
  const { show, rest, clear } = useFormErrors(form)
  const submit = async (values: typeof form.values) => {
    setBusy(true)
    clear()
    try {
      const { data } = await api.POST('/v1/opt-outs', {
        body: { address: values.address, brand: values.brand || undefined, evidence: values.evidence || undefined },
      })
      await fresh()
      await attempt(async () => undefined, t(data?.changed ? 'record.done' : 'record.known'))
      form.reset()
      onClose()
    } catch (error) {
      show(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Modal opened={opened} onClose={onClose} title={t('record.title')} closeButtonProps={{ 'aria-label': t('frame:action.close') }}>
      <form onSubmit={form.onSubmit((values) => void submit(values))}>
        <Stack>
          {rest && (
            <Alert color="red" variant="outline" role="alert">
              {rest}
            </Alert>
          )}
          <TextInput
            label={t('record.address')}
            description={t('record.addressHint')}
            required
            inputMode="tel"
            data-autofocus
            {...form.getInputProps('address')}
          />
          <BrandSelect value={form.values.brand} onChange={(v) => form.setFieldValue('brand', v)} error={form.errors.brand as string} />
          <Textarea
            label={t('record.evidence')}
            description={t('record.evidenceHint')}
            autosize
            minRows={2}
            maxLength={1000}
            {...form.getInputProps('evidence')}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('frame:action.cancel')}
            </Button>
            <Button type="submit" loading={busy}>
              {t('record.submit')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
