import { Alert, Button, Code, Group, Mark, Stack, Text } from '@mantine/core'
import { IconLetterCaseUpper } from '@tabler/icons-react'
import type { RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import type { DraftHandle } from '../useDraft'
import { around } from './marks'

type Props = {
  draft: DraftHandle
  measure: Schemas['Measure']
  editable: boolean
  input: RefObject<HTMLTextAreaElement | null>
}

/** The character that makes every message dear, where it stands, and what can be done about it. */
export function Offender({ draft: { values, set }, measure, editable, input }: Props) {
  const { t } = useTranslation('wizard')
  const character = measure.offender ?? ''
  const place = around(measure.text, measure.offender_at)
  const at = values.text.indexOf(character)
  const code = `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`
  const select = () => {
    input.current?.focus()
    input.current?.setSelectionRange(at, at + character.length)
  }
  return (
    <Alert color="orange" variant="outline" icon={<IconLetterCaseUpper aria-hidden />} title={t('offender.title')} role="status">
      <Stack gap="xs">
        <Text size="sm" className="said">
          {place.before}
          <Mark color="orange.4" c="black" fw={700} px={3}>
            {place.character}
          </Mark>
          {place.after}
        </Text>
        <Text size="sm">
          {t('offender.text')} <Code>{code}</Code>
        </Text>
        {editable && at >= 0 && (
          <Group gap="xs">
            {measure.plain !== undefined ? (
              <Button size="xs" onClick={() => set({ text: values.text.replaceAll(character, measure.plain ?? '') })}>
                {measure.plain.trim() === '' ? t('offender.blank') : t('offender.plain', { plain: measure.plain })}
              </Button>
            ) : (
              <Button size="xs" onClick={() => set({ text: values.text.replaceAll(character, '') })}>
                {t('offender.remove')}
              </Button>
            )}
            <Button size="xs" variant="default" onClick={select}>
              {t('offender.show')}
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  )
}
