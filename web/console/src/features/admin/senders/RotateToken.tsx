import { Button, Group, List, PasswordInput, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { attempt, confirm } from '@/ui/confirm'
import { FormModal } from '@/ui/FormModal'
import { useSubmit } from '@/ui/useSubmit'

/** A new token in two steps: the old one keeps proving the provider's signatures until the rotation is ended. */
export function RotateToken({ sender, onClose }: { sender: Schemas['Sender']; onClose: () => void }) {
  const { t } = useTranslation(['admin', 'frame'])
  const form = useForm({ initialValues: { auth_token: '' } })
  const patch = (body: Schemas['UpdateSenderRequest']) =>
    api.PATCH('/v1/senders/{sender}', { params: { path: { sender: sender.id } }, body })
  const { submit, busy, rest } = useSubmit(form, async ({ auth_token }) => {
    await patch({ auth_token })
    onClose()
    await attempt(async () => undefined, t('senders.rotate.done'))
  })
  const end = () =>
    confirm({
      title: t('senders.rotate.end'),
      text: t('senders.rotate.endText'),
      action: t('senders.rotate.end'),
      danger: true,
      do: async () => {
        await patch({ second_auth_token: '' })
        onClose()
      },
    })
  return (
    <FormModal
      opened
      onClose={onClose}
      title={t('senders.rotate.title')}
      action={t('senders.rotate.submit')}
      busy={busy}
      rest={rest}
      onSubmit={submit}
    >
      <List type="ordered" size="sm">
        <List.Item>{t('senders.rotate.first')}</List.Item>
        <List.Item>{t('senders.rotate.second')}</List.Item>
        <List.Item>{t('senders.rotate.third')}</List.Item>
      </List>
      <PasswordInput
        label={t('senders.rotate.token')}
        required
        data-autofocus
        autoComplete="new-password"
        {...form.getInputProps('auth_token')}
      />
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {t('senders.rotate.endHint')}
        </Text>
        <Button variant="default" size="xs" onClick={end}>
          {t('senders.rotate.end')}
        </Button>
      </Group>
    </FormModal>
  )
}
