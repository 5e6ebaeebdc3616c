import { Alert, Anchor, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { ErrorComponentProps } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/problem'

/** An error in words, with the request id that an operator can search for and a way to try again. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation('frame')
  const api = error instanceof ApiError ? error : undefined
  const words = api?.code === 'no_answer' ? t('error.noAnswer') : error instanceof Error ? error.message : String(error)
  return (
    <Alert role="alert" color="red" variant="outline" icon={<IconAlertTriangle aria-hidden />} title={t('error.title')}>
      <Stack gap="xs">
        <Text size="sm">{words}</Text>
        {api?.problem.request_id && (
          <Text size="xs" c="dimmed">
            {t('error.request', { id: api.problem.request_id })}
          </Text>
        )}
        {retry && (
          <Group>
            <Button size="xs" variant="default" onClick={retry}>
              {t('action.retry')}
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  )
}

export function Failed({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation('frame')
  return (
    <Stack p="xl" component="main">
      <Title order={1}>{t('error.page')}</Title>
      <Trouble error={error} retry={reset} />
    </Stack>
  )
}

export function NotFound() {
  const { t } = useTranslation('frame')
  return (
    <Stack p="xl" component="main" align="flex-start">
      <Title order={1}>{t('notFound.title')}</Title>
      <Text>{t('notFound.text')}</Text>
      <Anchor href="/">{t('notFound.home')}</Anchor>
    </Stack>
  )
}
