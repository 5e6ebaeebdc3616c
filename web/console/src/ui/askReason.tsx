import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { modals } from '@mantine/modals'
import i18next from 'i18next'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { attempt } from './confirm'

type Question = { title: string; text: string; action: string; danger?: boolean; do: (reason: string) => Promise<unknown> }

/** Asks why, for everybody who will look why nothing moves; the reason may stay empty. */
export function askReason(question: Question): void {
  const id = modals.open({
    title: question.title,
    closeButtonProps: { 'aria-label': i18next.t('action.close') },
    children: <ReasonForm question={question} onEnd={() => modals.close(id)} />,
  })
}

function ReasonForm({ question, onEnd }: { question: Question; onEnd: () => void }) {
  const { t } = useTranslation('frame')
  const [reason, setReason] = useState('')
  const [busy, setBusy] = useState(false)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        setBusy(true)
        void attempt(() => question.do(reason.trim())).then((well) => {
          setBusy(false)
          if (well) onEnd()
        })
      }}
    >
      <Stack>
        <Text size="sm">{question.text}</Text>
        <TextInput
          label={t('ask.reason')}
          description={t('ask.reasonHint')}
          value={reason}
          onChange={(e) => setReason(e.currentTarget.value)}
          maxLength={200}
          data-autofocus
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onEnd}>
            {t('action.close')}
          </Button>
          <Button type="submit" loading={busy} color={question.danger ? 'red.9' : undefined}>
            {question.action}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
