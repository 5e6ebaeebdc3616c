import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { IconInfoCircle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { CopyField } from '@/ui/CopyField'

export type Secret = { email: string; password: string }

/** Shows a password the one time it is known, for handing over. Nobody can read it again. */
export function Handover({ secret, onClose }: { secret: Secret | undefined; onClose: () => void }) {
  const { t } = useTranslation(['admin', 'frame'])
  return (
    <Modal
      opened={secret !== undefined}
      onClose={onClose}
      title={t('users.handover.title')}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': t('frame:action.close') }}
    >
      {secret && (
        <Stack>
          <Alert variant="outline" icon={<IconInfoCircle aria-hidden />}>
            {t('users.handover.text')}
          </Alert>
          <div>
            <Text size="sm" fw={500}>
              {t('users.email')}
            </Text>
            <CopyField value={secret.email} />
          </div>
          <div>
            <Text size="sm" fw={500}>
              {t('users.handover.password')}
            </Text>
            <CopyField value={secret.password} />
          </div>
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('users.handover.done')}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  )
}
