import { Alert, Anchor, Breadcrumbs, SimpleGrid, Skeleton, Tabs } from '@mantine/core'
import { IconClockX } from '@tabler/icons-react'
import { getRouteApi, Link, Navigate, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { blocks } from '@/api/problem'
import { date } from '@/lib/format'
import { PageHeader } from '@/ui/PageHeader'
import { StateBadge } from '@/ui/StateBadge'
import { Trouble } from '@/ui/Trouble'
import { Actions } from './Actions'
import { Content } from './Content'
import { Funnel } from './Funnel'
import { ProgressPanel } from './ProgressPanel'
import { RecipientList } from './RecipientList'
import { useCampaign } from './useCampaign'

// The comparison draws charts, which weigh more than the rest of the page.
const ForecastComparison = lazy(() => import('./ForecastComparison').then((m) => ({ default: m.ForecastComparison })))
const HeldList = lazy(() => import('../held/HeldList').then((m) => ({ default: m.HeldList })))

const tabs = ['overview', 'recipients', 'held', 'forecast', 'content'] as const

const Search = z.object({
  tab: z.catch(z._default(z.enum(tabs), 'overview'), 'overview'),
  state: z.catch(z.optional(z.string()), undefined),
  q: z.catch(z.optional(z.string()), undefined),
})

const route = getRouteApi('/frame/campaigns/$campaign')

/** One campaign while it runs and after: how it gets on, why, who got it, and what was forecast. */
export function CampaignPage() {
  const { t } = useTranslation(['campaign', 'frame'])
  const { campaign } = route.useParams()
  const search = Search.parse(route.useSearch())
  const navigate = useNavigate()
  const { about, progress } = useCampaign(campaign)

  if (blocks(about)) return <Trouble error={about.error} retry={() => void about.refetch()} />
  if (!about.data) return <Skeleton height={240} role="progressbar" aria-label={t('frame:loading')} />
  if (about.data.state === 'draft') return <Navigate to="/campaigns/$campaign/edit" params={{ campaign }} search={{}} replace />

  const change = (next: Partial<typeof search>) =>
    void navigate({ to: '/campaigns/$campaign', params: { campaign }, search: { ...search, ...next }, replace: true })
  const c = about.data
  return (
    <>
      <PageHeader
        title={c.name}
        before={
          <Breadcrumbs>
            <Anchor component={Link} to="/campaigns" size="sm">
              {t('frame:nav.campaigns')}
            </Anchor>
            <StateBadge state={c.state} />
          </Breadcrumbs>
        }
      >
        <Actions campaign={c} />
      </PageHeader>
      {c.people_deleted_at && (
        <Alert variant="outline" color="gray" icon={<IconClockX aria-hidden />} mb="md">
          {t('peopleDeleted', { at: date(c.people_deleted_at) })}
        </Alert>
      )}
      <Tabs
        value={search.tab}
        onChange={(tab) => change({ tab: (tab ?? 'overview') as (typeof tabs)[number], state: undefined, q: undefined })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {tabs.map((tab) => (
            <Tabs.Tab key={tab} value={tab}>
              {t(`tab.${tab}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="overview">
          {blocks(progress) && <Trouble error={progress.error} retry={() => void progress.refetch()} />}
          {progress.data ? (
            <SimpleGrid cols={{ base: 1, lg: 2 }}>
              <ProgressPanel campaign={c} progress={progress.data} />
              <Funnel campaign={c.id} progress={progress.data} />
            </SimpleGrid>
          ) : (
            !blocks(progress) && <Skeleton height={240} role="progressbar" aria-label={t('frame:loading')} />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="recipients">
          <RecipientList campaign={c.id} state={search.state} q={search.q} onChange={change} />
        </Tabs.Panel>
        <Tabs.Panel value="held">
          <Suspense fallback={<Skeleton height={240} />}>
            <HeldList campaign={c.id} />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="forecast">
          <Suspense fallback={<Skeleton height={240} />}>
            <ForecastComparison campaign={c} />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="content">
          <Content campaign={c} />
        </Tabs.Panel>
      </Tabs>
    </>
  )
}
