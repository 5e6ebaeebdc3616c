import { Anchor, Group, Paper, Skeleton, Stack, Text, ThemeIcon, Title } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconInfoCircle } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { Trouble } from '@/ui/Trouble'
import { stepOf } from './steps'
import type { useChecklist } from './useChecklist'

type Check = Schemas['Check']

const looks = {
  problem: { icon: IconAlertTriangle, color: 'red.9' },
  note: { icon: IconInfoCircle, color: 'gray.7' },
  ok: { icon: IconCheck, color: 'teal.9' },
} as const

/** Everything that a launch looks at: what stops it first, then what is worth knowing, then what is well. */
export function ChecklistRail({ campaign, checklist }: { campaign: string; checklist: ReturnType<typeof useChecklist> }) {
  const { t } = useTranslation(['wizard', 'frame'])
  const id = useId()
  const items = checklist.data?.items ?? []
  const of = (level: Check['level']) => items.filter((c) => c.level === level)
  const problems = of('problem').length
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-labelledby={id}>
      <Stack gap="sm">
        <div>
          <Title order={2} fz="md" id={id}>
            {t('checklist.title')}
          </Title>
          {checklist.data && (
            <Text size="sm" c="dimmed" role="status">
              {problems > 0 ? t('checklist.problems', { count: problems }) : t('checklist.ready')}
            </Text>
          )}
        </div>
        {checklist.error && !checklist.data && <Trouble error={checklist.error} retry={() => void checklist.refetch()} />}
        {!checklist.data && !checklist.error && <Skeleton height={160} role="progressbar" aria-label={t('frame:loading')} />}
        <CheckLines campaign={campaign} checks={[...of('problem'), ...of('note')]} />
        {of('ok').length > 0 && (
          <details>
            <Text component="summary" size="sm" c="dimmed" mb="xs" style={{ cursor: 'pointer' }}>
              {t('checklist.fine', { count: of('ok').length })}
            </Text>
            <CheckLines campaign={campaign} checks={of('ok')} />
          </details>
        )}
      </Stack>
    </Paper>
  )
}

function CheckLines({ campaign, checks }: { campaign: string; checks: Check[] }) {
  return (
    <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: 'none' }}>
      {checks.map((check) => (
        <CheckLine key={check.name} campaign={campaign} check={check} />
      ))}
    </Stack>
  )
}

function CheckLine({ campaign, check }: { campaign: string; check: Check }) {
  const { t } = useTranslation('wizard')
  const look = looks[check.level]
  const title = t(`check.${check.name}`, { defaultValue: check.name })
  const field = check.field ?? (check.name === 'consent' ? 'consent' : undefined)
  return (
    <Group component="li" gap="xs" wrap="nowrap" align="flex-start">
      <ThemeIcon size={22} radius="xl" color={look.color} style={{ flex: 'none' }} aria-hidden>
        <look.icon size={14} />
      </ThemeIcon>
      <div style={{ minWidth: 0 }}>
        <Text size="sm" fw={600}>
          {t(`checklist.${check.level}`, { what: title })}
        </Text>
        <Text size="sm" c={check.level === 'ok' ? 'dimmed' : undefined} style={{ overflowWrap: 'anywhere' }}>
          {check.message}
        </Text>
        {check.level !== 'ok' && check.fix && (
          <Text size="xs" c="dimmed">
            {check.fix}
          </Text>
        )}
        {check.level !== 'ok' && field && (
          <Anchor
            component={Link}
            size="sm"
            to="/campaigns/$campaign/edit"
            params={{ campaign } as never}
            search={{ step: stepOf(field), field } as never}
          >
            {t('checklist.go', { what: title })}
          </Anchor>
        )}
      </div>
    </Group>
  )
}
