import { Anchor, List, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api, hooks, type Schemas } from '@/api/client'
import { useSession } from '@/auth/session'
import { count, dateTime } from '@/lib/format'
import { Trouble } from '@/ui/Trouble'
import type { DraftHandle } from '../useDraft'
import { Section } from './Section'

type Props = { draft: DraftHandle; forecast: Schemas['Forecast'] | undefined }

/** The rules of the account that hold for this list, and whom they touch. They are chosen for the whole account, not here. */
export function PolicyNote({ draft: { base }, forecast }: Props) {
  const { t } = useTranslation('wizard')
  const { can } = useSession()
  const policy = hooks.useQuery('get', '/v1/policy', {}, { staleTime: 60_000 })
  const p = policy.data
  const any = Boolean(p && (p.packs.length > 0 || p.cap))
  const effect = useQuery({
    queryKey: ['policy', base.id, base.updated_at, base.recipients, p],
    queryFn: async ({ signal }) => {
      if (!p) return null
      const { data } = await api.POST('/v1/policy/simulate', { body: { campaign: base.id, policy: p }, signal })
      return data ?? null
    },
    enabled: any && forecast !== undefined, // the forecast has checked the list by then
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  })
  const total = effect.data?.total
  return (
    <Section title={t('policy.title')} hint={t('policy.hint')}>
      {policy.error && <Trouble error={policy.error} retry={() => void policy.refetch()} />}
      {p && (
        <List size="sm" spacing={4}>
          <List.Item>
            {p.packs.length === 0
              ? t('policy.none')
              : t('policy.packs', { names: p.packs.map((x) => [x.name, x.version].filter(Boolean).join(' ')).join(', ') })}
          </List.Item>
          <List.Item>
            {p.cap
              ? t(p.over_cap === 'hold' ? 'policy.capHold' : 'policy.cap', { max: count(p.cap.max), hours: count(p.cap.hours) })
              : t('policy.noCap')}
          </List.Item>
          {forecast?.rules && <List.Item>{t('policy.applies', { rules: forecast.rules })}</List.Item>}
          {total && (
            <List.Item>
              {t('policy.effect', { shifted: count(total.shifted), blocked: count(total.blocked), capped: count(total.capped) })}
              {total.until && total.shifted > 0 ? ` ${t('policy.until', { at: dateTime(total.until) })}` : ''}
            </List.Item>
          )}
        </List>
      )}
      {effect.error && <Trouble error={effect.error} retry={() => void effect.refetch()} />}
      {can('account:write') && (
        <Text size="sm">
          <Anchor component={Link} to="/admin/policy" search={{} as never}>
            {t('policy.change')}
          </Anchor>
        </Text>
      )}
    </Section>
  )
}
