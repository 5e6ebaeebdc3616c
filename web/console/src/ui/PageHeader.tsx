import { Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import { useTranslation } from 'react-i18next'

type Props = { title: string; text?: ReactNode; before?: ReactNode; children?: ReactNode }

/** The one h1 of a page, what stands over it, and the page's actions. It also names the browser's tab. */
export function PageHeader({ title, text, before, children }: Props) {
  const { t } = useTranslation('frame')
  useEffect(() => {
    document.title = `${title} · ${t('product')}`
  }, [title, t])
  return (
    <Stack gap={4} mb="lg">
      {before}
      <Group justify="space-between" gap="sm" align="flex-start">
        <Title order={1} fz={26} style={{ overflowWrap: 'anywhere' }}>
          {title}
        </Title>
        {children && <Group gap="xs">{children}</Group>}
      </Group>
      {text && <Text c="dimmed">{text}</Text>}
    </Stack>
  )
}
