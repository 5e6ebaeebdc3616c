import { List, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count } from '@/lib/format'
import { FormModal } from '@/ui/FormModal'

type Props = { losses: Schemas['RetentionPreview'][]; onClose: () => void; save: () => Promise<void> }

/** Asks for a word before something is deleted at once and for good. */
export function ConfirmDeletion({ losses, onClose, save }: Props) {
  const { t } = useTranslation('admin')
  const [typed, type] = useState('')
  const [wrong, setWrong] = useState('')
  const [busy, setBusy] = useState(false)
  const word = t('retention.confirm.word')
  return (
    <FormModal
      opened
      onClose={onClose}
      title={t('retention.confirm.title')}
      action={t('retention.confirm.action')}
      busy={busy}
      rest=""
      danger
      onSubmit={(event) => {
        event?.preventDefault()
        if (typed.trim().toLowerCase() !== word) {
          setWrong(t('retention.confirm.wrong', { word }))
          return
        }
        setBusy(true)
        void save().finally(() => setBusy(false))
      }}
    >
      <Text size="sm">{t('retention.confirm.text')}</Text>
      <List size="sm">
        {losses.map((p) => (
          <List.Item key={p.class}>{t(`retention.class.${p.class}.now`, { n: count(p.items), campaigns: count(p.campaigns) })}</List.Item>
        ))}
      </List>
      <TextInput
        label={t('retention.confirm.label', { word })}
        value={typed}
        onChange={(e) => {
          type(e.currentTarget.value)
          setWrong('')
        }}
        error={wrong}
        autoComplete="off"
        data-autofocus
      />
    </FormModal>
  )
}
