import { Anchor, Breadcrumbs, Button, Grid, Group, Skeleton, Stack } from '@mantine/core'
import { IconDeviceFloppy } from '@tabler/icons-react'
import { getRouteApi, Link, Navigate, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import * as z from 'zod/mini'
import { useSession } from '@/auth/session'
import { PageHeader } from '@/ui/PageHeader'
import { StateBadge } from '@/ui/StateBadge'
import { Trouble } from '@/ui/Trouble'
import { useCampaign } from '../campaign/useCampaign'
import { ChecklistRail } from './ChecklistRail'
import { Conflict } from './Conflict'
import { PhonePreview } from './compose/PhonePreview'
import { TestSend } from './compose/TestSend'
import { DraftMenu } from './DraftMenu'
import type { Campaign } from './draft'
import { focusField } from './focusField'
import { SaveState } from './SaveState'
import { StepNav } from './StepNav'
import { type Step, steps } from './steps'
import { useFreshChecklist, useListCheck } from './useChecklist'
import { useDraft } from './useDraft'

const files = {
  compose: () => import('./compose/Compose'),
  recipients: () => import('./recipients/RecipientsStep'),
  schedule: () => import('./schedule/Schedule'),
  review: () => import('./review/Review'),
}
const Compose = lazy(() => files.compose().then((m) => ({ default: m.Compose })))
const RecipientsStep = lazy(() => files.recipients().then((m) => ({ default: m.RecipientsStep })))
const Schedule = lazy(() => files.schedule().then((m) => ({ default: m.Schedule })))
const Review = lazy(() => files.review().then((m) => ({ default: m.Review })))

const Search = z.object({
  step: z.catch(z._default(z.enum(steps), 'compose'), 'compose'),
  field: z.catch(z.optional(z.string()), undefined),
})

const route = getRouteApi('/frame/campaigns/$campaign/edit')

/** A draft on its way to the launch, in four steps that can be taken in any order. */
export function WizardPage() {
  const { t } = useTranslation('frame')
  const { campaign } = route.useParams()
  const { step } = Search.parse(route.useSearch())
  const { about } = useCampaign(campaign)
  useEffect(() => void files[step](), [step]) // while the draft is still on its way
  if (about.error && !about.data) return <Trouble error={about.error} retry={() => void about.refetch()} />
  if (!about.data) return <Skeleton height={240} role="progressbar" aria-label={t('loading')} />
  if (about.data.state !== 'draft') return <Navigate to="/campaigns/$campaign" params={{ campaign }} search={{}} replace />
  return <Wizard key={campaign} campaign={about.data} />
}

function Wizard({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation(['wizard', 'frame'])
  const { can } = useSession()
  const navigate = useNavigate()
  const { step, field } = Search.parse(route.useSearch())
  const draft = useDraft(campaign)
  const checklist = useFreshChecklist(draft.base)
  const editable = can('campaigns:write')
  useListCheck(draft, checklist.data, step, editable)

  useEffect(() => {
    if (!field) return
    focusField(field)
    void navigate({
      to: '/campaigns/$campaign/edit',
      params: { campaign: campaign.id },
      search: { step },
      replace: true,
      resetScroll: false,
    })
  }, [field, step, campaign.id, navigate])

  const next = steps[steps.indexOf(step) + 1]
  return (
    <>
      <PageHeader
        title={draft.base.name}
        before={
          <Breadcrumbs>
            <Anchor component={Link} to="/campaigns" size="sm">
              {t('frame:nav.campaigns')}
            </Anchor>
            <StateBadge state="draft" />
          </Breadcrumbs>
        }
        text={<SaveState draft={draft} />}
      >
        {editable && (
          <>
            <Button variant="default" leftSection={<IconDeviceFloppy size={16} aria-hidden />} onClick={() => void draft.save()}>
              {t('save.now')}
            </Button>
            <DraftMenu campaign={draft.base} />
          </>
        )}
      </PageHeader>
      <StepNav campaign={campaign.id} step={step} items={checklist.data?.items ?? []} />
      {draft.draft.theirs && <Conflict draft={draft} theirs={draft.draft.theirs} />}
      <Grid gap="lg" mt="md">
        <Grid.Col span={{ base: 12, lg: 8 }} onBlur={() => void draft.save()}>
          <Suspense fallback={<Skeleton height={320} role="progressbar" aria-label={t('frame:loading')} />}>
            {step === 'compose' && <Compose draft={draft} editable={editable} />}
            {step === 'recipients' && <RecipientsStep campaign={draft.base} editable={editable} />}
            {step === 'schedule' && <Schedule draft={draft} editable={editable} />}
            {step === 'review' && <Review draft={draft} checklist={checklist.data} />}
          </Suspense>
          {next && (
            <Group justify="flex-end" mt="lg">
              <StepButton campaign={campaign.id} step={next} />
            </Group>
          )}
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}>
          <Stack>
            {step === 'compose' && (
              <>
                <PhonePreview draft={draft} />
                {can('campaigns:launch') && <TestSend draft={draft} />}
              </>
            )}
            <ChecklistRail campaign={campaign.id} checklist={checklist} />
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  )
}

/** Goes to a step; the word says where to, so that nobody fears that it sends. */
function StepButton({ campaign, step }: { campaign: string; step: Step }) {
  const { t } = useTranslation('wizard')
  return (
    <Button component={Link} variant="light" to="/campaigns/$campaign/edit" params={{ campaign } as never} search={{ step } as never}>
      {t('goOn', { step: t(`step.${step}`) })}
    </Button>
  )
}
