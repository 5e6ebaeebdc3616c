import { Alert, Button, Code, Group, Modal, Stack, Text, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { count } from '@/lib/format'
import { FileDrop } from '@/ui/FileDrop'
import { columns, parsePrices, type Row } from './prices'

type Props = { opened: boolean; onClose: () => void; onRows: (rows: Omit<Row, 'key'>[], replace: boolean) => void }

/** Takes a price list of a provider: shows what was understood before anything changes. */
export function PastePrices({ opened, onClose, onRows }: Props) {
  const { t } = useTranslation(['admin', 'frame'])
  const [text, setText] = useState('')
  const { rows, bad } = parsePrices(text)
  const take = (replace: boolean) => {
    onRows(rows, replace)
    setText('')
    onClose()
  }
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('prices.paste')}
      size="lg"
      closeButtonProps={{ 'aria-label': t('frame:action.close') }}
    >
      <Stack>
        <Text size="sm">{t('prices.pasteText')}</Text>
        <Code block>{`${columns.join(',')}\nsms,US,,,,0.0079\nsms,,1787,,,0.0125`}</Code>
        <Textarea
          label={t('prices.lines')}
          autosize
          minRows={5}
          maxRows={14}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          data-autofocus
        />
        <FileDrop
          label={t('prices.file')}
          hint={t('prices.fileHint')}
          accept=".csv,.tsv,.txt,text/csv,text/plain"
          onFile={(file) => void file.text().then(setText)}
          onText={setText}
        />
        <div role="status">
          {text.trim() !== '' && (
            <Alert color={bad.length ? 'orange' : 'teal'} variant="outline">
              {t('prices.understood', { n: count(rows.length) })}
              {bad.length > 0 && ` ${t('prices.notUnderstood', { n: count(bad.length), lines: bad.slice(0, 10).join(', ') })}`}
            </Alert>
          )}
        </div>
        <Group justify="flex-end">
          <Button variant="default" disabled={rows.length === 0} onClick={() => take(true)}>
            {t('prices.replace')}
          </Button>
          <Button disabled={rows.length === 0} onClick={() => take(false)}>
            {t('prices.append')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
