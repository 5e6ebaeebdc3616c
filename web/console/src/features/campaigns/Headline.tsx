import { SimpleGrid, Skeleton } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { blocks } from '@/api/problem'
import { Metric } from '@/ui/Metric'
import { Trouble } from '@/ui/Trouble'

/** The three figures of the account since it began; analytics has them by range. */
export function Headline() {
  const { t } = useTranslation('campaigns')
  const { data, error, refetch } = hooks.useQuery('get', '/v1/figures')
  if (blocks({ data, error })) return <Trouble error={error} retry={() => void refetch()} />
  if (!data) return <Skeleton height={104} />
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }}>
      <Metric
        title={t('figures.success')}
        definition={data.success.definition}
        part={data.success.numerator}
        whole={data.success.denominator}
        to={{ to: '/analytics', search: {} }}
      />
      <Metric
        title={t('figures.response')}
        definition={data.response.definition}
        part={data.response.numerator}
        whole={data.response.denominator}
        to={{ to: '/analytics', search: {} }}
      />
      <Metric
        title={t('figures.optOuts')}
        definition={data.opt_outs.definition}
        part={data.opt_outs.numerator}
        note={t('figures.ofReached', { count: data.opt_outs.denominator })}
        to={{ to: '/opt-outs', search: {} }}
      />
    </SimpleGrid>
  )
}
