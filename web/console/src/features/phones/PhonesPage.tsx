import { Alert, Button, Group, Select, SimpleGrid, Skeleton } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { api, hooks } from '@/api/client'
import { blocks } from '@/api/problem'
import { useSession } from '@/auth/session'
import { attempt } from '@/ui/confirm'
import { EmptyState } from '@/ui/EmptyState'
import { PageHeader } from '@/ui/PageHeader'
import { Trouble } from '@/ui/Trouble'
import { CarrierKnobs } from './CarrierKnobs'
import { atLab } from './lab'
import { Phone } from './Phone'
import { usePeople } from './usePeople'

const most = 4

const Search = z.object({
  sender: z.catch(z.optional(z.string()), undefined),
  // Numbers separated by commas, so that a page with phones can be kept as a bookmark.
  phones: z.catch(z.optional(z.coerce.string()), undefined),
})

const route = getRouteApi('/frame/phones')

/** Up to four phones of fictional people: they get what goes out, answer, and stop. Nothing leaves this machine. */
export function PhonesPage() {
  const { t } = useTranslation('phones')
  const { can } = useSession()
  const navigate = useNavigate()
  const client = useQueryClient()
  const search = Search.parse(route.useSearch())
  const senders = hooks.useQuery('get', '/v1/senders', { params: { query: { limit: 200 } } })
  const [busy, setBusy] = useState(false)
  const labs = (senders.data?.items ?? []).filter(atLab)
  const sender = labs.find((s) => s.id === search.sender) ?? labs[0]
  const people = usePeople(sender?.id)
  const change = (next: Partial<typeof search>) => void navigate({ to: '/phones', search: { ...search, ...next }, replace: true })

  if (blocks(senders)) return <Trouble error={senders.error} retry={() => void senders.refetch()} />
  if (!senders.data) return <Skeleton height={320} />

  const make = async () => {
    setBusy(true)
    await attempt(async () => {
      await api.POST('/v1/lab/sender', { body: {} })
      await client.invalidateQueries({ predicate: (q) => q.queryKey[1] === '/v1/senders' })
    }, t('made'))
    setBusy(false)
  }
  if (!sender) {
    return (
      <>
        <PageHeader title={t('title')} text={t('text')} />
        <EmptyState title={t('none.title')} text={t('none.text')}>
          {can('senders:write') && (
            <Button onClick={() => void make()} loading={busy}>
              {t('none.make')}
            </Button>
          )}
        </EmptyState>
      </>
    )
  }
  const chosen = (search.phones?.split(',').filter(Boolean) ?? []).map((n) => (n.startsWith('+') ? n : `+${n.trim()}`)).slice(0, most)
  const numbers = [...new Set(chosen.length > 0 ? chosen : people.slice(0, 2))]
  const put = (next: string[]) => change({ phones: next.join(',') || undefined })
  return (
    <>
      <PageHeader title={t('title')} text={t('text')}>
        <Select
          aria-label={t('sender')}
          allowDeselect={false}
          value={sender.id}
          onChange={(id) => change({ sender: id ?? undefined, phones: undefined })}
          data={labs.map((s) => ({ value: s.id, label: `${s.name} (${s.address})` }))}
        />
      </PageHeader>
      <CarrierKnobs sender={sender.id} />
      {numbers.length === 0 && (
        <Alert color="gray" my="md">
          {t('nobody')}
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, xs: 2, lg: numbers.length > 2 ? 4 : 3 }} my="md">
        {numbers.map((number, i) => (
          <Phone
            key={number}
            sender={sender.id}
            number={number}
            people={people}
            onNumber={(next) => put(numbers.map((n, j) => (j === i ? next : n)))}
            onRemove={() => put(numbers.filter((_, j) => j !== i))}
          />
        ))}
      </SimpleGrid>
      <Group>
        {numbers.length < most && (
          <Button
            variant="default"
            leftSection={<IconPlus size={16} aria-hidden />}
            onClick={() => put([...numbers, people.find((n) => !numbers.includes(n)) ?? fresh(numbers)])}
          >
            {t('add')}
          </Button>
        )}
      </Group>
    </>
  )
}

/** A fictional number that is not on the page yet. */
function fresh(taken: string[]): string {
  for (let n = 100; n < 200; n++) {
    const number = `+12125550${n}`
    if (!taken.includes(number)) return number
  }
  return '+12125550100'
}
