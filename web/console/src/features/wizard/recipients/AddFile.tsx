import { Button, Collapse, Group, Select, SimpleGrid, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconDownload } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { saveText } from '@/lib/download'
import { FileDrop } from '@/ui/FileDrop'
import { templateFor, variablesOf } from './template'
import type { FileOptions } from './upload'

type Props = { text: string; options: FileOptions; onOptions: (options: FileOptions) => void; onFile: (file: Blob, name: string) => void }

const choices = {
  header: ['auto', 'yes', 'no'],
  delimiter: ['auto', ',', ';', 'tab'],
  encoding: ['auto', 'utf-8', 'utf-16le', 'utf-16be', 'latin-1'],
} as const

export function AddFile({ text, options, onOptions, onFile }: Props) {
  const { t } = useTranslation(['recipients', 'frame'])
  const [opened, { toggle }] = useDisclosure(false)
  const variables = variablesOf(text)
  return (
    <Stack gap="sm">
      <FileDrop
        label={t('file.drop')}
        hint={t('file.hint')}
        accept=".csv,.txt,text/csv,text/plain"
        onFile={(file) => onFile(file, file.name)}
        onText={(pasted) => onFile(new Blob([pasted]), t('file.pasted'))}
      />
      <Text size="sm">
        {variables.length > 0 ? t('file.columns', { columns: ['phone', ...variables].join(', ') }) : t('file.noColumns')}
      </Text>
      <Group gap="sm">
        <Button
          variant="default"
          size="xs"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => saveText('recipients.csv', templateFor(text), 'text/csv')}
        >
          {t('file.template')}
        </Button>
        <Button variant="subtle" size="xs" onClick={toggle} aria-expanded={opened}>
          {t('file.options')}
        </Button>
      </Group>
      <Collapse expanded={opened}>
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          {(Object.keys(choices) as (keyof typeof choices)[]).map((name) => (
            <Select
              key={name}
              label={t(`file.${name}`)}
              value={options[name]}
              allowDeselect={false}
              onChange={(value) => onOptions({ ...options, [name]: value ?? 'auto' })}
              data={choices[name].map((value) => ({ value, label: t(`file.choice.${value}`, { defaultValue: value }) }))}
            />
          ))}
        </SimpleGrid>
      </Collapse>
    </Stack>
  )
}
