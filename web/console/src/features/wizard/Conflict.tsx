import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconGitMerge } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { clock } from '@/lib/format'
import { type Campaign, differing } from './draft'
import type { DraftHandle } from './useDraft'

/** Somebody else, or another tab, saved meanwhile: what differs, and the two ways on. */
export function Conflict({ draft, theirs }: { draft: DraftHandle; theirs: Campaign }) {
  const { t } = useTranslation('wizard')
  const names = (fields: string[]) => fields.map((f) => t(`field.${f}`)).join(', ')
  return (
    <Alert role="alert" color="orange" variant="outline" mt="md" icon={<IconGitMerge aria-hidden />} title={t('conflict.title')}>
      <Stack gap="xs">
        <Text size="sm">
          {t('conflict.text', {
            at: clock(theirs.updated_at),
            theirs: names(differing(draft.base, theirs)),
            mine: names(draft.draft.dirty),
          })}
        </Text>
        <Group gap="xs">
          <Button size="xs" onClick={draft.keepMine}>
            {t('conflict.mine')}
          </Button>
          <Button size="xs" variant="default" onClick={draft.takeTheirs}>
            {t('conflict.theirs')}
          </Button>
        </Group>
      </Stack>
    </Alert>
  )
}
