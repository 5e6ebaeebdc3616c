import { Button, Paper, Stack, Text } from '@mantine/core'
import { IconFileUpload } from '@tabler/icons-react'
import { type DragEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

type Props = {
  label: string
  hint: string
  accept: string
  disabled?: boolean
  onFile: (file: File) => void
  onText?: (text: string) => void
}

/** Takes a file by drop, by button, or text by paste. */
export function FileDrop({ label, hint, accept, disabled, onFile, onText }: Props) {
  const { t } = useTranslation('frame')
  const input = useRef<HTMLInputElement>(null)
  const [over, setOver] = useState(false)
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    const file = event.dataTransfer.files[0]
    if (file && !disabled) onFile(file)
  }
  return (
    <Paper
      withBorder
      p="lg"
      radius="md"
      role="group"
      aria-label={label}
      onDragOver={(e) => {
        e.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      onPaste={(e) => {
        const file = e.clipboardData.files[0]
        const text = e.clipboardData.getData('text/plain')
        if (file) onFile(file)
        else if (text && onText) onText(text)
      }}
      style={{ borderStyle: 'dashed', ...(over ? { background: 'var(--mantine-primary-color-light)' } : {}) }}
    >
      <Stack align="center" gap="xs">
        <IconFileUpload size={32} stroke={1.4} aria-hidden />
        <Text fw={600}>{label}</Text>
        <Text size="sm" c="dimmed" ta="center">
          {hint}
        </Text>
        <Button variant="default" disabled={disabled} onClick={() => input.current?.click()}>
          {t('file.choose')}
        </Button>
        <input
          ref={input}
          type="file"
          hidden
          accept={accept}
          onChange={(e) => {
            const file = e.currentTarget.files?.[0]
            e.currentTarget.value = ''
            if (file) onFile(file)
          }}
        />
      </Stack>
    </Paper>
  )
}
