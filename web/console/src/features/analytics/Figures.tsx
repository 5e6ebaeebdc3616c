import { SimpleGrid } from '@mantine/core'
import type { LinkProps } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count, decimal, percent } from '@/lib/format'
import { Metric } from '@/ui/Metric'

type Figure = { numerator: number; denominator: number; ratio: number; definition: string }

/** The five figures, each with its fraction, its meaning, the change against the period before, and the list behind it. */
export function Figures({ data }: { data: Schemas['Analytics'] }) {
  const { t } = useTranslation('analytics')
  const before = data.before
  const points = (now: Figure, then: Figure | undefined) => {
    if (!then) return undefined
    if (now.denominator === 0 || then.denominator === 0) return t('change.none')
    const d = 100 * (now.ratio - then.ratio)
    return t(Math.abs(d) < 0.05 ? 'change.same' : d > 0 ? 'change.pointsUp' : 'change.pointsDown', {
      points: decimal(Math.abs(d)),
      before: percent(then.numerator, then.denominator),
    })
  }
  const number = (now: number, then: number | undefined) => {
    if (then === undefined) return undefined
    if (now === then) return t('change.same', { before: count(then) })
    if (then === 0) return t('change.fromNone')
    return t(now > then ? 'change.up' : 'change.down', { share: percent(Math.abs(now - then), then), before: count(then) })
  }
  const f = data.figures
  const campaigns = { to: '/analytics', search: (old: object) => old, hash: 'campaigns' } as unknown as LinkProps
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 3, lg: 5 }}>
      <Metric
        title={t('figures.sent')}
        definition={t('define.sent')}
        part={data.totals.sent}
        note={t('figures.held', { n: count(data.totals.held) })}
        change={number(data.totals.sent, before?.totals.sent)}
        to={campaigns}
      />
      <Metric
        title={t('figures.gateway')}
        definition={f.success.definition}
        part={f.success.numerator}
        whole={f.success.denominator}
        change={points(f.success, before?.figures.success)}
        to={campaigns}
      />
      <Metric
        title={t('figures.handset')}
        definition={f.handset_success.definition}
        part={f.handset_success.numerator}
        whole={f.handset_success.denominator}
        change={points(f.handset_success, before?.figures.handset_success)}
        to={campaigns}
      />
      <Metric
        title={t('figures.response')}
        definition={f.response.definition}
        part={f.response.numerator}
        whole={f.response.denominator}
        change={points(f.response, before?.figures.response)}
        to={campaigns}
      />
      <Metric
        title={t('figures.optOuts')}
        definition={f.opt_outs.definition}
        part={f.opt_outs.numerator}
        note={`${percent(f.opt_outs.numerator, f.opt_outs.denominator)} · ${count(f.opt_outs.numerator)} / ${count(f.opt_outs.denominator)}`}
        change={number(f.opt_outs.numerator, before?.figures.opt_outs.numerator)}
        to={{ to: '/opt-outs', search: {} }}
      />
    </SimpleGrid>
  )
}
