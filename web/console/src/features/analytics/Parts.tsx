import { Box, Group, Stack, Text } from '@mantine/core'
import { count, percent } from '@/lib/format'

type Part = { label: string; n: number; color: string; pattern?: 'stripes' | 'dots' }

const patterns = {
  stripes: 'repeating-linear-gradient(45deg, transparent 0 4px, var(--mantine-color-body) 4px 7px)',
  dots: 'radial-gradient(var(--mantine-color-body) 1px, transparent 1.5px) 0 0 / 7px 7px',
}

/** Shares of a whole as bars with their numbers beside them: nothing has to be read off an axis or a colour. */
export function Parts({ parts, whole }: { parts: Part[]; whole: number }) {
  return (
    <Stack gap="sm">
      {parts.map((p) => (
        <Stack key={p.label} gap={2}>
          <Group justify="space-between" gap="xs" wrap="nowrap">
            <Text size="sm">{p.label}</Text>
            <Text size="sm" className="number">
              {count(p.n)} · {percent(p.n, whole)}
            </Text>
          </Group>
          <Box h={14} bg="var(--mantine-color-default-border)" style={{ borderRadius: 3, overflow: 'hidden' }}>
            <Box
              h="100%"
              style={{
                width: `${whole > 0 ? (100 * p.n) / whole : 0}%`,
                minWidth: p.n > 0 ? 3 : 0,
                background: p.pattern ? `${patterns[p.pattern]}, ${p.color}` : p.color,
              }}
            />
          </Box>
        </Stack>
      ))}
    </Stack>
  )
}
