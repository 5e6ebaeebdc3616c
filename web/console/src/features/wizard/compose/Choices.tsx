import { Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import type { DraftHandle } from '../useDraft'

type Props = { draft: DraftHandle; editable: boolean }

export function useSenders() {
  const { data } = hooks.useQuery('get', '/v1/senders', { params: { query: { limit: 200 } } }, { staleTime: 60_000 })
  return data?.items ?? []
}

/** The channel and the number it goes out from; a stopped number says so. */
export function SenderSelect({ draft: { values, set, error }, editable }: Props) {
  const { t } = useTranslation(['wizard', 'frame'])
  const senders = useSenders().filter((s) => s.channel === values.channel)
  return (
    <>
      <Select
        data-field="channel"
        label={t('field.channel')}
        description={t('compose.channelHint')}
        data={[{ value: 'sms', label: t('channel.sms') }]}
        allowDeselect={false}
        disabled={!editable}
        value={values.channel}
        error={error('channel')}
        onChange={(v) => v === 'sms' && set({ channel: v })}
      />
      <Select
        data-field="sender"
        label={t('field.sender')}
        description={t('compose.senderHint')}
        searchable
        required
        allowDeselect={false}
        disabled={!editable}
        data={senders.map((s) => ({
          value: s.id,
          label: s.stopped ? t('compose.stopped', { name: s.name, address: s.address }) : `${s.name} (${s.address})`,
        }))}
        nothingFoundMessage={t('frame:palette.nothing')}
        value={values.sender}
        error={error('sender')}
        onChange={(v) => v && set({ sender: v })}
      />
    </>
  )
}

/** The skill whose agents get the answers, searched on the server: an account may have thousands. */
export function SkillSelect({ draft: { values, set, error }, editable }: Props) {
  const { t } = useTranslation(['wizard', 'frame'])
  const [typed, setTyped] = useState('')
  const [q] = useDebouncedValue(typed, 250)
  const known = hooks.useQuery('get', '/v1/skills', { params: { query: { limit: 200 } } }, { staleTime: 60_000 })
  const all = known.data?.items ?? []
  const chosen = all.find((s) => s.id === values.skill)
  const asking = q !== '' && q !== chosen?.name && known.data?.next_cursor !== undefined
  const found = hooks.useQuery(
    'get',
    '/v1/skills',
    { params: { query: { limit: 50, q } } },
    { enabled: asking, placeholderData: keepPreviousData },
  )
  const skills = new Map([...all, ...(asking ? (found.data?.items ?? []) : [])].map((s) => [s.id, s.name]))
  if (!skills.has(values.skill)) skills.set(values.skill, values.skill)
  return (
    <Select
      data-field="skill"
      label={t('field.skill')}
      description={t('compose.skillHint')}
      searchable
      required
      allowDeselect={false}
      disabled={!editable}
      data={[...skills].map(([value, label]) => ({ value, label }))}
      nothingFoundMessage={found.isFetching ? t('frame:loading') : t('frame:palette.nothing')}
      value={values.skill}
      error={error('skill')}
      onSearchChange={setTyped}
      onChange={(v) => v && set({ skill: v })}
    />
  )
}
