import { ActionIcon, Popover, Text } from '@mantine/core'
import { IconInfoCircle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'

/** A small button that says how a figure is defined. It works by click and key, not by hovering alone. */
export function Definition({ of, children }: { of: string; children: string }) {
  const { t } = useTranslation('frame')
  return (
    <Popover width={280} position="bottom" withArrow>
      <Popover.Target>
        <ActionIcon variant="subtle" color="gray" size={24} aria-label={t('definition', { of })}>
          <IconInfoCircle size={16} aria-hidden />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <Text size="sm">{children}</Text>
      </Popover.Dropdown>
    </Popover>
  )
}
