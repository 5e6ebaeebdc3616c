import { Alert, Button, Group, Modal, type ModalProps, Stack } from '@mantine/core'
import type { FormEvent, ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

type Props = {
  opened: boolean
  onClose: () => void
  title: string
  /** What the button does, in words. */
  action: string
  busy: boolean
  /** What went wrong and belongs to no input. */
  rest: string
  size?: ModalProps['size']
  danger?: boolean
  onSubmit: (event?: FormEvent<HTMLFormElement>) => void
  children: ReactNode
}

/** A form in a modal: errors without an input at its top, cancel and one action at its end. */
export function FormModal({ opened, onClose, title, action, busy, rest, size, danger, onSubmit, children }: Props) {
  const { t } = useTranslation('frame')
  return (
    <Modal opened={opened} onClose={onClose} title={title} size={size} closeButtonProps={{ 'aria-label': t('action.close') }}>
      <form onSubmit={onSubmit}>
        <Stack>
          {rest && (
            <Alert color="red" variant="outline" role="alert">
              {rest}
            </Alert>
          )}
          {children}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('action.cancel')}
            </Button>
            <Button type="submit" loading={busy} color={danger ? 'red.9' : undefined}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
