import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { count, dateTime } from '@/lib/format'
import { CopyField } from '@/ui/CopyField'
import type { Campaign } from './useCampaign'

/** What was frozen at the launch: text, settings, hashes. */
export function Content({ campaign: c }: { campaign: Campaign }) {
  const { t } = useTranslation('campaign')
  const rows: [string, string][] = [
    [t('content.rate'), t('content.rateValue', { n: count(c.rate) })],
    [t('content.lookback'), t('content.hours', { n: count(c.lookback_hours) })],
    [t('content.talk'), t(`content.talks.${c.open_conversation}`)],
    [t('content.policy'), t(`content.policies.${c.policy}`)],
    [t('content.expires'), dateTime(c.expires_at)],
    [t('content.consent'), c.consent_at ? dateTime(c.consent_at) : '—'],
  ]
  const hashes: [string, string | undefined][] = [
    [t('content.contentHash'), c.content_hash],
    [t('content.listHash'), c.list_hash],
    ['ID', c.id],
  ]
  return (
    <Stack maw={720}>
      <Paper withBorder p="md" radius="md">
        <Title order={2} fz="md" mb="xs">
          {t('content.text')}
        </Title>
        <Text className="said">
          {c.text} {c.opt_out_text}
        </Text>
      </Paper>
      <Paper withBorder p="md" radius="md">
        <dl style={{ margin: 0 }}>
          {rows.map(([name, value]) => (
            <Group key={name} justify="space-between" py={2}>
              <Text component="dt" size="sm" c="dimmed">
                {name}
              </Text>
              <Text component="dd" size="sm" m={0}>
                {value}
              </Text>
            </Group>
          ))}
        </dl>
      </Paper>
      <Paper withBorder p="md" radius="md">
        <Stack gap="xs">
          <Text size="sm" c="dimmed">
            {t('content.frozen')}
          </Text>
          {hashes.map(
            ([name, value]) =>
              value && (
                <div key={name}>
                  <Text size="sm" fw={600}>
                    {name}
                  </Text>
                  <CopyField value={value} />
                </div>
              ),
          )}
        </Stack>
      </Paper>
    </Stack>
  )
}
