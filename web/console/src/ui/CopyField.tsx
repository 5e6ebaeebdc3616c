import { Button, Code, CopyButton, Group } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'

/** A value to take elsewhere: an id, a key that is shown once, an address. */
export function CopyField({ value }: { value: string }) {
  const { t } = useTranslation('frame')
  return (
    <Group gap="xs" wrap="nowrap">
      <Code style={{ overflowWrap: 'anywhere', minWidth: 0 }}>{value}</Code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Button
            size="compact-xs"
            variant="default"
            onClick={copy}
            leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
            style={{ flex: 'none' }}
          >
            <span aria-live="polite">{t(copied ? 'action.copied' : 'action.copy')}</span>
          </Button>
        )}
      </CopyButton>
    </Group>
  )
}
