import { Loader, Paper, Select, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, dateTime } from '@/lib/format'
import { choices } from './periods'

type Props = {
  of: Schemas['RetentionClass']
  days: number
  preview: Schemas['RetentionPreview'] | undefined
  counting: boolean
  held: boolean
  readOnly: boolean
  onChange: (days: number) => void
}

/** How long one kind of data is kept, and what that would delete now. */
export function ClassCard({ of, days, preview, counting, held, readOnly, onChange }: Props) {
  const { t } = useTranslation('admin')
  const period = usePeriod()
  const name = t(`retention.class.${of.class}.name`)
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-labelledby={`class-${of.class}`}>
      <Stack gap="xs">
        <Title order={2} fz="md" id={`class-${of.class}`}>
          {name}
        </Title>
        <Text size="sm">{t(`retention.class.${of.class}.goes`)}</Text>
        <Text size="sm" c="dimmed">
          {t(`retention.class.${of.class}.stays`)}
        </Text>
        <Select
          label={t('retention.keep')}
          description={t('retention.least', { n: count(of.minimum_days) })}
          aria-label={`${name}: ${t('retention.keep')}`}
          value={String(days)}
          onChange={(value) => onChange(Number(value ?? 0))}
          data={choices(of.minimum_days, Math.max(days, of.days)).map((d) => ({ value: String(d), label: period(d) }))}
          allowDeselect={false}
          readOnly={readOnly}
          maw={320}
        />
        <div aria-live="polite" aria-busy={counting}>
          {days > 0 && !preview && <Loader size="xs" role="progressbar" aria-label={t('retention.counting')} />}
          {days === 0 && <Text size="sm">{t('retention.nothingEver')}</Text>}
          {days > 0 && preview && (
            <>
              <Text size="sm" fw={600}>
                {held
                  ? t('retention.heldNow')
                  : t(`retention.class.${of.class}.now`, { n: count(preview.items), campaigns: count(preview.campaigns) })}
              </Text>
              {preview.waiting_on_hold > 0 && <Text size="sm">{t('retention.onHold', { n: count(preview.waiting_on_hold) })}</Text>}
              {preview.waiting_held > 0 && <Text size="sm">{t('retention.withHeld', { n: count(preview.waiting_held) })}</Text>}
              {preview.waiting_lookback > 0 && <Text size="sm">{t('retention.inLookback', { n: count(preview.waiting_lookback) })}</Text>}
            </>
          )}
        </div>
        <Text size="xs" c="dimmed">
          {of.deleted > 0
            ? t(`retention.class.${of.class}.soFar`, { n: count(of.deleted), at: dateTime(of.last_deleted_at) })
            : t('retention.neverDeleted')}
        </Text>
      </Stack>
    </Paper>
  )
}

/** A period in words: long ones in months or years, with their days. */
export function usePeriod(): (days: number) => string {
  const { t } = useTranslation('admin')
  return (days) => {
    if (days === 0) return t('retention.forEver')
    const years = Math.round(days / 365.25)
    if (days === 366) return t('retention.year', { n: count(days) })
    if (years > 1 && days === Math.ceil(years * 365.25)) return t('retention.years', { y: count(years), n: count(days) })
    if (days === 396) return t('retention.months', { m: count(13), n: count(days) })
    return t('retention.days', { n: count(days) })
  }
}
