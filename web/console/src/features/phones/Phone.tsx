import { ActionIcon, Autocomplete, Badge, Button, Group, Loader, Paper, ScrollArea, Stack, Text, TextInput } from '@mantine/core'
import { IconBan, IconSend, IconX } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks } from '@/api/client'
import { blocks } from '@/api/problem'
import { useSession } from '@/auth/session'
import { clock } from '@/lib/format'
import { attempt } from '@/ui/confirm'
import { Trouble } from '@/ui/Trouble'

type Props = { sender: string; number: string; people: string[]; onNumber: (number: string) => void; onRemove: () => void }

/** What people say most, one press each. */
const quick = ['YES', 'STOP', 'START', 'HELP']

/** One person's phone: the messages of this sender on it, and what the person writes back. */
export function Phone({ sender, number, people, onNumber, onRemove }: Props) {
  const { t } = useTranslation('phones')
  const { can } = useSession()
  const client = useQueryClient()
  const [text, setText] = useState('')
  const [typed, setTyped] = useState(number)
  const end = useRef<HTMLDivElement>(null)
  const { data, error, refetch } = hooks.useQuery(
    'get',
    '/v1/lab/phones/{number}',
    { params: { path: { number }, query: { sender } } },
    { refetchInterval: 1500 },
  )
  const length = data?.thread.length ?? 0
  useEffect(() => {
    const list = end.current
    if (list && length > 0) list.scrollTop = list.scrollHeight
  }, [length])

  const say = (words: string) =>
    void attempt(async () => {
      await api.POST('/v1/lab/phones/{number}/messages', { params: { path: { number } }, body: { sender, text: words } })
      setText('')
      await client.invalidateQueries({ predicate: (q) => q.queryKey[1] === '/v1/lab/phones/{number}' })
    })
  const dial = (next: string) => {
    const plain = next.replace(/[^\d+]/g, '')
    if (/^\+\d{7,15}$/.test(plain) && plain !== number) onNumber(plain)
  }
  return (
    <Paper withBorder radius="xl" p="sm" component="section" aria-label={t('phoneOf', { number })} shadow="sm">
      <Stack gap="xs">
        <Group gap={4} wrap="nowrap">
          <Autocomplete
            aria-label={t('number')}
            value={typed}
            onChange={setTyped}
            onOptionSubmit={dial}
            onBlur={() => dial(typed)}
            onKeyDown={(e) => e.key === 'Enter' && dial(typed)}
            data={people}
            limit={8}
            style={{ flex: 1, minWidth: 0 }}
            inputMode="tel"
          />
          <ActionIcon variant="subtle" color="gray" aria-label={t('remove')} onClick={onRemove}>
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </Group>
        {data?.stopped && (
          <Badge color="red.9" variant="filled" leftSection={<IconBan size={12} aria-hidden />} tt="none">
            {t('stopped')}
          </Badge>
        )}
        {blocks({ data, error }) ? (
          <Trouble error={error} retry={() => void refetch()} />
        ) : (
          <ScrollArea h={320} viewportRef={end} viewportProps={{ tabIndex: 0, role: 'log', 'aria-label': t('thread') }} type="auto">
            <Stack gap={8} p={4}>
              {!data && <Loader size="sm" role="progressbar" aria-label={t('loading')} />}
              {data && length === 0 && (
                <Text size="sm" c="dimmed" ta="center" py="xl">
                  {t('empty')}
                </Text>
              )}
              {data?.thread.map((entry, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the thread only grows at its end
                <Bubble key={i} by={entry.by} at={entry.at} text={entry.text} />
              ))}
            </Stack>
          </ScrollArea>
        )}
        {can('campaigns:launch') && (
          <>
            <Group gap={4}>
              {quick.map((word) => (
                <Button key={word} size="compact-xs" variant="default" onClick={() => say(word)}>
                  {word}
                </Button>
              ))}
            </Group>
            <form
              onSubmit={(e) => {
                e.preventDefault()
                if (text.trim()) say(text.trim())
              }}
            >
              <Group gap={4} wrap="nowrap">
                <TextInput
                  aria-label={t('write')}
                  placeholder={t('write')}
                  value={text}
                  onChange={(e) => setText(e.currentTarget.value)}
                  maxLength={1600}
                  style={{ flex: 1, minWidth: 0 }}
                />
                <ActionIcon type="submit" size="lg" aria-label={t('send')} disabled={!text.trim()}>
                  <IconSend size={16} aria-hidden />
                </ActionIcon>
              </Group>
            </form>
          </>
        )}
      </Stack>
    </Paper>
  )
}

const looks = {
  us: { side: 'flex-start', background: 'var(--mantine-color-default-hover)', color: 'var(--mantine-color-text)' },
  person: { side: 'flex-end', background: 'var(--mantine-primary-color-filled)', color: '#fff' },
  carrier: { side: 'center', background: 'transparent', color: 'var(--mantine-color-dimmed)' },
} as const

function Bubble({ by, at, text }: { by: keyof typeof looks; at: string; text: string }) {
  const { t } = useTranslation('phones')
  const look = looks[by]
  return (
    <div style={{ alignSelf: look.side, maxWidth: '88%' }}>
      <Text size="xs" c="dimmed" ta={by === 'person' ? 'right' : 'left'}>
        {t(`by.${by}`)} · {clock(at)}
      </Text>
      <Text size="sm" className="said" px="sm" py={6} style={{ background: look.background, color: look.color, borderRadius: 14 }}>
        {text}
      </Text>
    </div>
  )
}
