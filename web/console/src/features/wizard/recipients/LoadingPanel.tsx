import { Button, Group, Paper, Progress, Stack, Text } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { bytes, count, percent } from '@/lib/format'
import { attempt } from '@/ui/confirm'
import type { Upload } from './upload'
import type { Import } from './useList'

type Props = { upload: Upload | undefined; loading: Import | undefined; removing: boolean; onCancel?: () => Promise<void> }

/** How far a list is: bytes that went to the server, rows that it has checked. Anybody who opens the page sees the rows. */
export function LoadingPanel({ upload, loading, removing, onCancel }: Props) {
  const { t } = useTranslation(['recipients', 'frame'])
  const [stopping, setStopping] = useState(false)
  if (removing) {
    return (
      <Paper withBorder p="md" role="status">
        <Text>{t('upload.removing')}</Text>
      </Paper>
    )
  }
  const stage = !upload ? 'elsewhere' : upload.sent < upload.size ? 'sending' : 'finishing'
  const name = upload?.name || loading?.file_name || t('upload.unnamed')
  const cancel = async () => {
    setStopping(true)
    await attempt(async () => onCancel?.())
    setStopping(false)
  }
  return (
    <Paper withBorder p="md" component="section" aria-label={t('upload.title', { name })}>
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <div style={{ minWidth: 0 }}>
            <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
              {t('upload.title', { name })}
            </Text>
            <Text size="sm" role="status">
              {t(`upload.stage.${stage}`)}
            </Text>
          </div>
          {onCancel && (
            <Button
              variant="default"
              size="xs"
              loading={stopping}
              leftSection={<IconX size={16} aria-hidden />}
              onClick={() => void cancel()}
              style={{ flex: 'none' }}
            >
              {t('frame:action.cancel')}
            </Button>
          )}
        </Group>
        {upload && (
          <>
            <Progress.Root size="lg">
              <Progress.Section value={upload.size ? (100 * upload.sent) / upload.size : 100} aria-label={t('upload.bytesLabel')} />
            </Progress.Root>
            <Text size="sm" className="number" ta="left">
              {t('upload.bytes', { sent: bytes(upload.sent), size: bytes(upload.size), share: percent(upload.sent, upload.size) })}
            </Text>
          </>
        )}
        {loading && (
          <Text size="sm" className="number" ta="left">
            {t('upload.rows', {
              rows: count(loading.rows),
              valid: count(loading.valid),
              rejected: count(loading.rejected),
              duplicates: count(loading.duplicates),
            })}
          </Text>
        )}
        <Text size="xs" c="dimmed">
          {t('upload.leave')}
        </Text>
      </Stack>
    </Paper>
  )
}
