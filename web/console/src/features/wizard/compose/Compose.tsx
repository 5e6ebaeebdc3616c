import { Paper, SimpleGrid, Stack, TextInput, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { DraftHandle } from '../useDraft'
import { SenderSelect, SkillSelect } from './Choices'
import { Lookback } from './Lookback'
import { Meter } from './Meter'
import { TextEditor } from './TextEditor'
import { useMeasure } from './useMeasure'

/** Who sends what, and what it comes to. */
export function Compose({ draft, editable }: { draft: DraftHandle; editable: boolean }) {
  const { t } = useTranslation('wizard')
  const { values, set, error } = draft
  const measure = useMeasure(values)
  return (
    <Stack>
      <Paper withBorder p="md" radius="md" component="section" aria-labelledby="who">
        <Stack>
          <Title order={2} fz="md" id="who">
            {t('compose.who')}
          </Title>
          <TextInput
            data-field="name"
            label={t('field.name')}
            description={t('compose.nameHint')}
            maxLength={255}
            required
            disabled={!editable}
            value={values.name}
            error={error('name')}
            onChange={(e) => set({ name: e.currentTarget.value })}
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <SenderSelect draft={draft} editable={editable} />
            <SkillSelect draft={draft} editable={editable} />
          </SimpleGrid>
          <Lookback draft={draft} editable={editable} />
        </Stack>
      </Paper>
      <Paper withBorder p="md" radius="md" component="section" aria-labelledby="what">
        <Stack>
          <Title order={2} fz="md" id="what">
            {t('compose.what')}
          </Title>
          <TextEditor draft={draft} editable={editable} measure={measure.data} />
          <Meter draft={draft} measure={measure} />
        </Stack>
      </Paper>
    </Stack>
  )
}
