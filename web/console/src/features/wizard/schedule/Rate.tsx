import { Button, Group, NumberInput, Slider, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, dateTime, span } from '@/lib/format'
import { useSenders } from '../compose/Choices'
import type { DraftHandle } from '../useDraft'
import { Section } from './Section'

type Props = { draft: DraftHandle; editable: boolean; forecast: Schemas['Forecast'] | undefined }

/** How fast, up to what the sender takes, and when it is over at that. */
export function Rate({ draft: { values, set, error }, editable, forecast: f }: Props) {
  const { t } = useTranslation('wizard')
  const most = useSenders().find((s) => s.id === values.sender)?.rate ?? f?.sender_rate ?? values.rate
  return (
    <Section title={t('rate.title')} hint={t('rate.hint')}>
      <Group data-field="rate" align="flex-end" gap="lg">
        <NumberInput
          label={t('field.rate')}
          description={t('rate.most', { n: count(most) })}
          w={260}
          min={1}
          max={most}
          allowDecimal={false}
          disabled={!editable}
          value={values.rate}
          error={error('rate')}
          onChange={(v) => typeof v === 'number' && v >= 1 && set({ rate: v })}
        />
        {most > 1 && (
          <Slider
            flex={1}
            miw={180}
            mb={10}
            min={1}
            max={most}
            disabled={!editable}
            value={Math.min(values.rate, most)}
            label={(v) => t('rate.perSecond', { n: count(v) })}
            thumbLabel={t('field.rate')}
            onChange={(rate) => set({ rate })}
          />
        )}
      </Group>
      {f && (
        <Stack gap="xs">
          <Text size="sm" role="status">
            {t('rate.finish', { at: dateTime(f.finish_at), span: span((Date.parse(f.finish_at) - Date.parse(f.start_at)) / 1000) })}
          </Text>
          {editable && f.faster.some((o) => !o.above_sender_rate) && (
            <Group gap="xs">
              {f.faster
                .filter((o) => !o.above_sender_rate)
                .map((o) => (
                  <Button key={o.rate} size="xs" variant="default" onClick={() => set({ rate: o.rate })}>
                    {t('rate.faster', { n: count(o.rate), saves: span(o.saves_seconds) })}
                  </Button>
                ))}
            </Group>
          )}
        </Stack>
      )}
    </Section>
  )
}
