import { Button, Group, Switch, TextInput } from '@mantine/core'
import { useDebouncedCallback, useDisclosure } from '@mantine/hooks'
import { IconFileUpload, IconPlus, IconSearch } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { useSession } from '@/auth/session'
import { PageHeader } from '@/ui/PageHeader'
import { ImportOptOuts } from './ImportOptOuts'
import { OptOutTable } from './OptOutTable'
import { PersonDrawer } from './PersonDrawer'
import { RecordOptOut } from './RecordOptOut'

const Search = z.object({
  q: z.catch(z.optional(z.coerce.string()), undefined),
  review: z.catch(z.optional(z.boolean()), undefined),
  person: z.catch(z.optional(z.coerce.string()), undefined),
})

const route = getRouteApi('/frame/opt-outs')

/** Everybody who stopped a brand: search, record, import, let somebody back in with evidence, and the doubtful ones to look at. */
export function OptOutsPage() {
  const { t } = useTranslation('optouts')
  const { can } = useSession()
  const navigate = useNavigate()
  const search = Search.parse(route.useSearch())
  const change = (next: Partial<typeof search>) => void navigate({ to: '/opt-outs', search: { ...search, ...next }, replace: true })
  const type = useDebouncedCallback((q: string) => change({ q: q || undefined }), 300)
  const [recording, record] = useDisclosure()
  const [importing, importFile] = useDisclosure()
  return (
    <>
      <PageHeader title={t('title')} text={t('text')}>
        {can('opt_outs:write') && (
          <>
            <Button variant="default" leftSection={<IconFileUpload size={16} aria-hidden />} onClick={importFile.open}>
              {t('import.open')}
            </Button>
            <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={record.open}>
              {t('record.open')}
            </Button>
          </>
        )}
      </PageHeader>
      <Group mb="md" gap="md">
        <TextInput
          data-page-search
          aria-label={t('search')}
          placeholder={t('search')}
          leftSection={<IconSearch size={16} aria-hidden />}
          defaultValue={search.q}
          onChange={(e) => type(e.currentTarget.value.trim())}
          inputMode="tel"
          w={{ base: '100%', xs: 260 }}
        />
        <Switch
          label={t('onlyReview')}
          checked={search.review ?? false}
          onChange={(e) => change({ review: e.currentTarget.checked || undefined })}
        />
      </Group>
      <OptOutTable q={search.q} review={search.review} onOpen={(person) => change({ person })} />
      <PersonDrawer address={search.person} onClose={() => change({ person: undefined })} />
      <RecordOptOut opened={recording} onClose={record.close} />
      <ImportOptOuts opened={importing} onClose={importFile.close} />
    </>
  )
}
