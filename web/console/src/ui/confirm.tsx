import { Text } from '@mantine/core'
import { modals } from '@mantine/modals'
import { notifications } from '@mantine/notifications'
import i18next from 'i18next'
import type { ReactNode } from 'react'
import { ApiError } from '@/api/problem'

type Question = { title: string; text: ReactNode; action: string; danger?: boolean; do: () => Promise<unknown> }

/** Asks before something that cannot be taken back; the button says what will happen. */
export function confirm(question: Question): void {
  modals.openConfirmModal({
    title: question.title,
    children: typeof question.text === 'string' ? <Text size="sm">{question.text}</Text> : question.text,
    labels: { confirm: question.action, cancel: i18next.t('frame:action.cancel') },
    confirmProps: question.danger ? { color: 'red.9' } : {},
    closeButtonProps: { 'aria-label': i18next.t('frame:action.close') },
    onConfirm: () => void attempt(question.do),
  })
}

/** What a notification’s cross is called. */
export const closing = () => ({ closeButtonProps: { 'aria-label': i18next.t('frame:action.close') } })

/** Does it, and tells of a failure that no form shows. Returns whether it went well. */
export async function attempt(work: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await work()
    if (done) notifications.show({ message: done, color: 'teal.9', ...closing() })
    return true
  } catch (error) {
    const id =
      error instanceof ApiError && error.problem.request_id
        ? ` (${i18next.t('frame:error.request', { id: error.problem.request_id })})`
        : ''
    notifications.show({
      title: i18next.t('frame:error.title'),
      message: (error instanceof Error ? error.message : String(error)) + id,
      color: 'red.9',
      autoClose: 15_000,
      role: 'alert',
      ...closing(),
    })
    return false
  }
}
