import { Badge, Button, Collapse, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { count } from '@/lib/format'
import { ProblemRows } from './ProblemRows'
import { RuleForm } from './RuleForm'

type Fixed = Schemas['Fix']
type Props = { campaign: string; group: Schemas['ProblemGroup']; editable: boolean; onFixed: (result: Fixed) => Promise<void> }

/** All rows with one cause: what helps, a rule for all of them where there is one, and the rows themselves. */
export function ProblemGroup({ campaign, group, editable, onFixed }: Props) {
  const { t } = useTranslation('recipients')
  const [opened, { toggle }] = useDisclosure(group.code !== 'duplicate_number')
  const title = t(`cause.${group.code}.title`, { defaultValue: group.code })
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs" align="flex-start" wrap="nowrap">
          <div style={{ minWidth: 0 }}>
            <Group gap="xs">
              <Title order={3} fz="md">
                {title}
              </Title>
              <Badge color={group.code === 'duplicate_number' ? 'gray.7' : 'orange.9'} tt="none">
                {t('problems.rows', { count: group.count, n: count(group.count) })}
              </Badge>
            </Group>
            <Text size="sm">{t(`cause.${group.code}.repair`, { defaultValue: group.reason })}</Text>
          </div>
          <Button
            variant="subtle"
            size="xs"
            onClick={toggle}
            aria-expanded={opened}
            aria-label={t(opened ? 'problems.hide' : 'problems.show', { of: title })}
            style={{ flex: 'none' }}
          >
            {opened ? <IconChevronDown size={18} aria-hidden /> : <IconChevronRight size={18} aria-hidden />}
          </Button>
        </Group>
        {editable && <RuleForm campaign={campaign} group={group} onFixed={onFixed} />}
        <Collapse expanded={opened}>
          {opened && <ProblemRows campaign={campaign} code={group.code} title={title} editable={editable} onFixed={onFixed} />}
        </Collapse>
      </Stack>
    </Paper>
  )
}
