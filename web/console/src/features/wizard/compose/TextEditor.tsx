import { Box, Button, Group, Input, Stack, Switch, Text, Textarea } from '@mantine/core'
import { IconLock, IconPlus } from '@tabler/icons-react'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import type { DraftHandle } from '../useDraft'
import { insert } from './marks'
import { Offender } from './Offender'
import { unknownTo, useList } from './useList'

type Props = { draft: DraftHandle; editable: boolean; measure: Schemas['Measure'] | undefined }

/** The text with its locked end, the variables that the list offers, and the character that makes it dear. */
export function TextEditor({ draft, editable, measure }: Props) {
  const { t } = useTranslation('wizard')
  const { values, set, error } = draft
  const input = useRef<HTMLTextAreaElement>(null)
  const list = useList(draft.base.id)
  const offered = list.variables.length > 0 ? list.variables : ['1']

  const put = (variable: string) => {
    const at = input.current
    const done = insert(values.text, `{{${variable}}}`, at?.selectionStart ?? values.text.length, at?.selectionEnd ?? values.text.length)
    set({ text: done.text })
    requestAnimationFrame(() => {
      at?.focus()
      at?.setSelectionRange(done.cursor, done.cursor)
    })
  }
  const unknown = unknownTo(list.variables, measure?.variables ?? [])
  return (
    <Stack gap="sm">
      <div>
        <Textarea
          ref={input}
          data-field="text"
          label={t('field.text')}
          description={t('compose.textHint')}
          autosize
          minRows={4}
          maxRows={16}
          maxLength={1600}
          disabled={!editable}
          value={values.text}
          error={error('text')}
          onChange={(e) => set({ text: e.currentTarget.value })}
          aria-describedby="tail"
        />
        <Box
          id="tail"
          p="xs"
          mt={4}
          data-field="opt_out_text"
          tabIndex={-1}
          bg="var(--mantine-color-default-hover)"
          bd="1px dashed var(--mantine-color-default-border)"
          style={{ borderRadius: 'var(--mantine-radius-md)' }}
        >
          <Group gap="xs" wrap="nowrap" align="flex-start">
            <IconLock size={16} aria-hidden style={{ flex: 'none', marginTop: 2 }} />
            <div style={{ minWidth: 0 }}>
              <Text size="sm" className="said">
                {values.opt_out_text}
              </Text>
              <Text size="xs" c="dimmed">
                {t('compose.tail', { count: measure?.reserved ?? values.opt_out_text.length })}
              </Text>
            </div>
          </Group>
          {error('opt_out_text') && <Input.Error>{error('opt_out_text')}</Input.Error>}
        </Box>
      </div>
      {editable && (
        <Group gap={6} role="group" aria-label={t('compose.variables')}>
          <Text size="sm" c="dimmed">
            {t(list.variables.length > 0 ? 'compose.variables' : 'compose.noVariables')}
          </Text>
          {offered.map((v) => (
            <Button
              key={v}
              size="compact-sm"
              variant="default"
              leftSection={<IconPlus size={12} aria-hidden />}
              onClick={() => put(v)}
              aria-label={t('compose.insert', { name: v })}
              maw="100%"
            >
              {`{{${v}}}`}
            </Button>
          ))}
        </Group>
      )}
      {unknown.length > 0 && (
        <Text size="sm" c="var(--mantine-color-error)" role="status">
          {t('compose.unknown', { names: unknown.map((v) => `{{${v}}}`).join(', ') })}
        </Text>
      )}
      {measure?.offender && <Offender draft={draft} measure={measure} editable={editable} input={input} />}
      <Switch
        data-field="smart_encoding"
        label={t('field.smart_encoding')}
        description={t('compose.smartHint')}
        disabled={!editable}
        checked={values.smart_encoding}
        onChange={(e) => set({ smart_encoding: e.currentTarget.checked })}
      />
    </Stack>
  )
}
