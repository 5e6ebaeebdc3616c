import { Center, Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Logo } from '@/ui/Logo'

/** The card of the pages in front of the sign-in. */
export function Door({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  const { t } = useTranslation('frame')
  return (
    <Center component="main" mih="100vh" p="sm">
      <Paper withBorder p={{ base: 'lg', xs: 'xl' }} w="100%" maw={440} radius="lg">
        <Stack>
          <Group gap="xs">
            <Logo />
            <Text fw={650}>{t('product')}</Text>
          </Group>
          <Title order={1} fz={26}>
            {title}
          </Title>
          {text && <Text c="dimmed">{text}</Text>}
          {children}
        </Stack>
      </Paper>
    </Center>
  )
}
