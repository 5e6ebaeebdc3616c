import { ActionIcon, Box, Group, Mark, Paper, Stack, Text, Title } from '@mantine/core'
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { count } from '@/lib/format'
import { byCursor, pagesOf } from '@/ui/pages'
import { Trouble } from '@/ui/Trouble'
import type { DraftHandle } from '../useDraft'
import { useSenders } from './Choices'
import { cutVariables } from './marks'
import { useMeasure } from './useMeasure'

/** The message on a phone, for one real person of the list after the other. */
export function PhonePreview({ draft }: { draft: DraftHandle }) {
  const { t } = useTranslation('wizard')
  const [index, setIndex] = useState(0)
  const query = hooks.useInfiniteQuery(
    'get',
    '/v1/campaigns/{campaign}/recipients',
    { params: { path: { campaign: draft.base.id }, query: { limit: 50 } } },
    byCursor,
  )
  const pages = pagesOf(query)
  const measure = useMeasure(draft.values)
  const sender = useSenders().find((s) => s.id === draft.values.sender)
  const at = Math.min(index, Math.max(0, pages.rows.length - 1))
  const person = pages.rows[at]
  const total = draft.base.recipients
  const go = (to: number) => {
    setIndex(to)
    if (to >= pages.rows.length - 5 && pages.more && !pages.loading) pages.loadMore()
  }
  const shown = person ? person.text : (measure.data?.text ?? '')
  const late = draft.standing !== 'saved'
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-labelledby="phone">
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap" mih={28}>
          <Title order={2} fz="md" id="phone">
            {t('phone.title')}
          </Title>
          {person && (
            <Group gap={4} wrap="nowrap">
              <ActionIcon variant="default" aria-label={t('phone.before')} disabled={at === 0} onClick={() => go(at - 1)}>
                <IconChevronLeft size={16} aria-hidden />
              </ActionIcon>
              <Text size="sm" className="number" aria-live="polite">
                {t('phone.of', { n: count(at + 1), total: count(total) })}
              </Text>
              <ActionIcon variant="default" aria-label={t('phone.after')} disabled={at + 1 >= pages.rows.length} onClick={() => go(at + 1)}>
                <IconChevronRight size={16} aria-hidden />
              </ActionIcon>
            </Group>
          )}
        </Group>
        {Boolean(pages.error) && pages.rows.length === 0 && <Trouble error={pages.error} retry={pages.retry} />}
        <Box
          mx="auto"
          w="100%"
          maw={300}
          p="sm"
          bd="8px solid var(--mantine-color-gray-7)"
          bg="var(--mantine-color-body)"
          style={{ borderRadius: 32, minHeight: 260 }}
        >
          <Text size="xs" ta="center" c="dimmed" mb="sm">
            {sender?.address ?? '\u00a0'}
          </Text>
          <Box
            p="xs"
            bg="var(--mantine-color-default-hover)"
            maw="92%"
            style={{ borderRadius: '16px 16px 16px 4px', opacity: late ? 0.6 : 1 }}
            aria-busy={late}
          >
            <Text size="sm" className="said" lh={1.4}>
              {cutVariables(shown, person?.missing ?? []).map((part, i) =>
                part.variable ? (
                  <Mark
                    // biome-ignore lint/suspicious/noArrayIndexKey: parts have no name of their own
                    key={i}
                    color={part.missing ? 'red.9' : 'gray'}
                    c={part.missing ? 'white' : undefined}
                    fw={part.missing ? 700 : 500}
                    px={2}
                  >
                    {part.text}
                  </Mark>
                ) : (
                  part.text
                ),
              )}
            </Text>
          </Box>
        </Box>
        <Box mih={36}>
          {person ? (
            <Stack gap={2}>
              <Text size="xs" c="dimmed" ta="center">
                {t('phone.person', {
                  row: count(person.row),
                  address: person.address,
                  zone: person.zones.length > 0 ? person.zones.join(' + ') : t('phone.noZone'),
                })}
              </Text>
              <Text size="xs" c="dimmed" ta="center">
                {t('meter.segmentsOf', { count: person.segments })}
                {person.encoding ? ` · ${person.encoding}` : ''}
                {person.opted_out ? ` · ${t('phone.optedOut')}` : ''}
              </Text>
              {person.missing && (
                <Text size="sm" c="var(--mantine-color-error)" ta="center" role="status">
                  {t('phone.missing', { names: person.missing.join(', ') })}
                </Text>
              )}
            </Stack>
          ) : (
            !pages.loading && (
              <Text size="sm" c="dimmed" ta="center">
                {t('phone.nobody')}
              </Text>
            )
          )}
        </Box>
      </Stack>
    </Paper>
  )
}
