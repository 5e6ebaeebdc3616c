import { Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'

/** For people whose role has no page of this tool. */
export function Nothing() {
  const { t } = useTranslation('access')
  return (
    <Stack align="flex-start">
      <Title order={1}>{t('nothing.title')}</Title>
      <Text>{t('nothing.text')}</Text>
    </Stack>
  )
}
