import { Group, Stack, Text } from '@mantine/core'
import { useId } from 'react'
import { count, percent } from '@/lib/format'
import { type Look, Patterns } from '@/ui/chart/look'
import { Share } from '@/ui/chart/Share'

export type Part = Look & { label: string; n: number }

/** Shares of a whole as bars with their numbers beside them: nothing has to be read off an axis or a colour. */
export function Parts({ parts, whole }: { parts: Part[]; whole: number }) {
  const id = useId()
  return (
    <Stack gap="sm">
      <svg width={0} height={0} className="unseen" aria-hidden>
        <Patterns id={id} />
      </svg>
      {parts.map((p) => (
        <Stack key={p.label} gap={2}>
          <Group justify="space-between" gap="xs" wrap="nowrap">
            <Text size="sm">{p.label}</Text>
            <Text size="sm" className="number">
              {count(p.n)} · {percent(p.n, whole)}
            </Text>
          </Group>
          <Share id={id} look={p} part={p.n} whole={whole} />
        </Stack>
      ))}
    </Stack>
  )
}
