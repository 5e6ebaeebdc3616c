import { Anchor, Box, Group, List, Paper, Text, Title } from '@mantine/core'
import { IconPencil } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import type { Step } from '../steps'

type Props = { campaign: string; step: Step; title: string; rows: [string, string][]; said?: string; words?: string[] }

/** One part of the review as names and values, with its Edit link. */
export function Block({ campaign, step, title, rows, said, words = [] }: Props) {
  const { t } = useTranslation('frame')
  const id = useId()
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-labelledby={id}>
      <Group justify="space-between" mb="xs">
        <Title order={2} fz="md" id={id}>
          {title}
        </Title>
        <Anchor
          component={Link}
          size="sm"
          to="/campaigns/$campaign/edit"
          params={{ campaign } as never}
          search={{ step } as never}
          aria-label={`${t('action.edit')}: ${title}`}
        >
          <Group gap={4} wrap="nowrap" component="span">
            <IconPencil size={14} aria-hidden />
            {t('action.edit')}
          </Group>
        </Anchor>
      </Group>
      {said && (
        <Text
          className="said"
          size="sm"
          p="xs"
          mb="xs"
          bg="var(--mantine-color-default-hover)"
          style={{ borderRadius: 'var(--mantine-radius-md)' }}
        >
          {said}
        </Text>
      )}
      {words.length > 0 && (
        <List size="sm" spacing={2} mb="xs">
          {words.map((w) => (
            <List.Item key={w}>{w}</List.Item>
          ))}
        </List>
      )}
      <dl style={{ margin: 0 }}>
        {rows.map(([name, value]) => (
          <Group key={name} justify="space-between" gap="xs" py={3} align="flex-start">
            <Text component="dt" size="sm" c="dimmed">
              {name}
            </Text>
            <Box component="dd" m={0} fz="sm" ta="right" ml="auto" maw="100%" style={{ overflowWrap: 'anywhere' }}>
              {value}
            </Box>
          </Group>
        ))}
      </dl>
    </Paper>
  )
}
