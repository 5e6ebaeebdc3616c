import { Box, Group, SimpleGrid, Text, ThemeIcon, UnstyledButton } from '@mantine/core'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { type Step, stepOf, steps } from './steps'

type Props = { campaign: string; step: Step; items: Schemas['Check'][] }

/** The four steps. Each can be gone to at any time; what a launch still needs stands beside its step. */
export function StepNav({ campaign, step, items }: Props) {
  const { t } = useTranslation('wizard')
  const problems = (of: Step) => items.filter((c) => c.level === 'problem' && c.field && stepOf(c.field) === of).length
  return (
    <nav aria-label={t('steps')}>
      <SimpleGrid component="ol" cols={{ base: 2, sm: 4 }} spacing="xs" p={0} m={0} style={{ listStyle: 'none' }}>
        {steps.map((s, i) => {
          const here = s === step
          const open = problems(s)
          return (
            <li key={s}>
              <UnstyledButton
                component={Link}
                to="/campaigns/$campaign/edit"
                params={{ campaign } as never}
                search={{ step: s } as never}
                aria-current={here ? 'step' : undefined}
                p="xs"
                w="100%"
                bd={`${here ? 2 : 1}px solid ${here ? 'var(--mantine-primary-color-filled)' : 'var(--mantine-color-default-border)'}`}
                style={{ borderRadius: 'var(--mantine-radius-md)', display: 'block', height: '100%' }}
              >
                <Group gap="xs" wrap="nowrap">
                  <ThemeIcon size={28} radius="xl" color="indigo.8" variant={here ? 'filled' : 'default'} aria-hidden>
                    {i + 1}
                  </ThemeIcon>
                  <Box style={{ minWidth: 0 }}>
                    <Text size="sm" fw={here ? 700 : 500}>
                      {t(`step.${s}`)}
                    </Text>
                    <StepState step={s} open={open} known={items.length > 0} />
                  </Box>
                </Group>
              </UnstyledButton>
            </li>
          )
        })}
      </SimpleGrid>
    </nav>
  )
}

function StepState({ step, open, known }: { step: Step; open: number; known: boolean }) {
  const { t } = useTranslation('wizard')
  const done = open === 0 && known && step !== 'review'
  const Icon = open > 0 ? IconAlertTriangle : IconCheck
  return (
    <Group gap={4} wrap="nowrap" c="dimmed" mih={18}>
      {(open > 0 || done) && <Icon size={14} aria-hidden style={{ flex: 'none' }} />}
      <Text size="xs">{open > 0 ? t('toDo', { count: open }) : done ? t('done') : step === 'review' ? t('last') : '\u00a0'}</Text>
    </Group>
  )
}
