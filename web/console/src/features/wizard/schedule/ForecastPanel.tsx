import { Alert, Group, Loader, Skeleton, Text } from '@mantine/core'
import { IconInfoCircle } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/problem'
import { clock } from '@/lib/format'
import { Trouble } from '@/ui/Trouble'
import type { DraftHandle } from '../useDraft'
import type { useForecast } from '../useForecast'
import { Section } from './Section'

const ForecastPicture = lazy(() => import('../../forecast/ForecastPicture').then((m) => ({ default: m.ForecastPicture })))

/** Things the forecast cannot do without, each with its own words. */
const missing = ['no_recipients', 'no_text', 'list_loading']

/** The forecast as a picture; while a newer one is being made the older stays, and says so. */
export function ForecastPanel({ draft, forecast }: { draft: DraftHandle; forecast: ReturnType<typeof useForecast> }) {
  const { t } = useTranslation(['wizard', 'frame'])
  const f = forecast.data
  const old = forecast.isFetching || forecast.isPlaceholderData || draft.standing === 'unsaved' || draft.standing === 'saving'
  const code = forecast.error instanceof ApiError ? forecast.error.code : ''
  return (
    <Section title={t('forecast.title')} hint={t('forecast.hint')}>
      <Group gap="xs" role="status" aria-live="polite" mih={22}>
        {draft.base.recipients > 0 && old && <Loader size={16} aria-hidden />}
        <Text size="sm" c="dimmed">
          {draft.base.recipients === 0
            ? t('forecast.nobody')
            : old
              ? t('forecast.making')
              : f
                ? t('forecast.madeAt', { at: clock(f.made_at) })
                : ''}
        </Text>
      </Group>
      {forecast.error && missing.includes(code) && (
        <Alert color="gray" variant="outline" icon={<IconInfoCircle aria-hidden />}>
          {t(`forecast.${code}`)}
        </Alert>
      )}
      {forecast.error && !missing.includes(code) && <Trouble error={forecast.error} retry={() => void forecast.refetch()} />}
      {f && draft.base.recipients > 0 && (
        <div aria-busy={old}>
          <Suspense fallback={<Skeleton height={320} role="progressbar" aria-label={t('frame:loading')} />}>
            <ForecastPicture forecast={f} />
          </Suspense>
        </div>
      )}
      {!f && forecast.isLoading && <Skeleton height={320} role="progressbar" aria-label={t('frame:loading')} />}
    </Section>
  )
}
