import { Anchor, Group, Paper, Text } from '@mantine/core'
import { Link, type LinkProps } from '@tanstack/react-router'
import { count, percent } from '@/lib/format'
import { Definition } from './Definition'

type Props = {
  title: string
  definition: string
  /** What is shown large: a share of the whole, or a plain number when whole is absent. */
  part: number
  whole?: number
  /** The list behind the figure. */
  to?: LinkProps
  note?: string
  /** Against the period before, in words. */
  change?: string
}

/** One headline figure: value, the fraction it comes from, and what it means. A share of nothing is a dash, not zero. */
export function Metric({ title, definition, part, whole, to, note, change }: Props) {
  const value = whole === undefined ? count(part) : percent(part, whole)
  return (
    <Paper withBorder p="md" radius="md">
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" c="dimmed" component="h2" fw={500}>
          {title}
        </Text>
        <Definition of={title}>{definition}</Definition>
      </Group>
      <Text fz={28} fw={650} lh={1.2} className="number" ta="left">
        {to ? (
          <Anchor component={Link} {...(to as object)} inherit c="inherit">
            {value}
          </Anchor>
        ) : (
          value
        )}
      </Text>
      <Text size="xs" c="dimmed" className="number" ta="left">
        {whole === undefined ? (note ?? '\u00a0') : `${count(part)} / ${count(whole)}${note ? ` · ${note}` : ''}`}
      </Text>
      {change && (
        <Text size="xs" mt={4} className="number" ta="left">
          {change}
        </Text>
      )}
    </Paper>
  )
}
