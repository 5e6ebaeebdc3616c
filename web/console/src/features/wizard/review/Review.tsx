import { Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { hooks, type Schemas } from '@/api/client'
import { useSession } from '@/auth/session'
import { count, dateTime, micros, ownZone, span } from '@/lib/format'
import { runs } from '@/ui/window'
import { useSenders } from '../compose/Choices'
import { useList } from '../compose/useList'
import type { DraftHandle } from '../useDraft'
import { useForecast } from '../useForecast'
import { Block } from './Block'
import { Launch } from './Launch'

/** Everything on one page, each block with the way back to it, and the launch. */
export function Review({ draft, checklist }: { draft: DraftHandle; checklist: Schemas['Checklist'] | undefined }) {
  const { t } = useTranslation('wizard')
  const { can } = useSession()
  const { values: v, base } = draft
  const forecast = useForecast(draft)
  const f = base.recipients > 0 ? forecast.data : undefined
  const list = useList(base.id)
  const sender = useSenders().find((s) => s.id === v.sender)
  const skills = hooks.useQuery('get', '/v1/skills', { params: { query: { limit: 200 } } }, { staleTime: 60_000 })
  const hours = (from: string, to: string) => (from === '00:00' && to === '24:00' ? t('window.wholeDay') : `${from}–${to}`)
  const { canary, ramp, segments } = v.rails
  return (
    <Stack>
      <Block
        campaign={base.id}
        step="compose"
        title={t('review.message')}
        said={`${v.text} ${v.opt_out_text}`}
        rows={[
          [t('field.name'), v.name],
          [t('field.channel'), t(`channel.${v.channel}`)],
          [t('field.sender'), sender ? `${sender.name} (${sender.address})` : v.sender],
          [t('field.skill'), skills.data?.items.find((s) => s.id === v.skill)?.name ?? v.skill],
          [
            t('field.lookback_hours'),
            t('review.lookback', { days: count(Math.floor(v.lookback_hours / 24)), hours: count(v.lookback_hours % 24) }),
          ],
          [t('field.smart_encoding'), t(v.smart_encoding ? 'review.on' : 'review.off')],
        ]}
      />
      <Block
        campaign={base.id}
        step="recipients"
        title={t('step.recipients')}
        rows={[
          [t('review.people'), count(base.recipients)],
          [t('meter.all'), list.segments > 0 ? t('meter.segmentsOf', { count: list.segments }) : '—'],
          [
            t('meter.worst'),
            list.worst
              ? `${t('meter.segmentsOf', { count: list.worst.segments })} (${t('meter.row', { row: count(list.worst.row) })})`
              : '—',
          ],
        ]}
      />
      <Block
        campaign={base.id}
        step="schedule"
        title={t('step.schedule')}
        rows={[
          [t('when.title'), v.launch_at ? `${dateTime(v.launch_at)} (${ownZone()})` : t('when.now')],
          [t('when.validity'), v.expires_at ? `${dateTime(v.expires_at)} (${ownZone()})` : t('when.validOpen')],
          [
            t('window.title'),
            runs(v.window)
              .map((r) => `${t(`dayShort.${r.first}`)}${r.first === r.last ? '' : `–${t(`dayShort.${r.last}`)}`} ${hours(r.from, r.to)}`)
              .join(', '),
          ],
          [t('field.rate'), t('rate.perSecond', { n: count(v.rate) })],
          [
            t('guards.canary'),
            canary
              ? t(canary.percent ? 'review.canaryShare' : 'review.canary', {
                  n: count(canary.percent || canary.recipients || 0),
                  minutes: count(canary.wait_minutes ?? 0),
                })
              : t('review.off'),
          ],
          [
            t('guards.ramp'),
            ramp ? t('review.ramp', { percents: ramp.percents.join(' → '), minutes: count(ramp.step_minutes) }) : t('review.off'),
          ],
          [t('guards.spend'), segments ? t('meter.segmentsOf', { count: segments }) : t('review.off')],
          [t('field.undo_seconds'), v.undo_seconds > 0 ? span(v.undo_seconds) : t('guards.noUndo')],
          [t('field.open_conversation'), t(`talk.${v.open_conversation}`)],
          [t('field.policy'), t(`sendPolicy.${v.policy}`)],
        ]}
      />
      <Block
        campaign={base.id}
        step="schedule"
        title={t('forecast.title')}
        words={f?.words ?? []}
        rows={[
          [t('review.sent'), f ? t('meter.people', { n: count(f.sent), of: count(f.recipients) }) : '—'],
          [t('review.finish'), f ? `${dateTime(f.finish_at)} (${ownZone()})` : '—'],
          [t('meter.cost'), f?.currency ? micros(f.cost_micros, f.currency) : t('meter.noPrices')],
        ]}
      />
      {can('campaigns:launch') && <Launch draft={draft} ready={checklist?.ready ?? false} sent={f?.sent} />}
    </Stack>
  )
}
