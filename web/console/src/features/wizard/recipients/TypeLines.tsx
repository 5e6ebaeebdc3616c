import { Alert, Button, Group, List, Stack, Text, Textarea } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconCheck } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks, type Schemas } from '@/api/client'
import { count } from '@/lib/format'
import { attempt } from '@/ui/confirm'
import { variablesOf } from './template'
import { filledLines, mostLines, partLines } from './typed'
import { freshList } from './useList'
import { Wrong } from './Wrong'

type Props = { campaign: Schemas['Campaign']; onFile: (file: Blob, name: string) => void }

/** Up to 100 lines, checked while somebody types. What is right can be added; what is wrong stays in the box. */
export function TypeLines({ campaign, onFile }: Props) {
  const { t } = useTranslation(['recipients', 'frame'])
  const client = useQueryClient()
  const [lines, setLines] = useState('')
  const [settled] = useDebouncedValue(lines, 400)
  const [busy, setBusy] = useState(false)
  const filled = filledLines(lines)
  const tooMany = filled > mostLines
  const params = { path: { campaign: campaign.id } }
  const check = hooks.useQuery(
    'post',
    '/v1/campaigns/{campaign}/recipients/check',
    { params, body: { lines: settled } },
    { enabled: settled.trim() !== '' && filledLines(settled) <= mostLines, retry: false, placeholderData: (was) => was },
  )
  const checked = filled > 0 && settled === lines && !check.isPlaceholderData ? check.data : undefined
  const variables = variablesOf(campaign.text)
  const add = async () => {
    if (!checked) return
    const { chosen, rest } = partLines(
      lines,
      checked.rows.map((r) => r.row),
    )
    setBusy(true)
    const added = await attempt(async () => {
      await api.POST('/v1/campaigns/{campaign}/recipients/typed', { params, body: { lines: chosen } })
      await freshList(client, campaign.id)
    })
    setBusy(false)
    if (added) setLines(rest)
  }
  return (
    <Stack gap="sm">
      <Textarea
        label={t('type.label')}
        description={variables.length > 0 ? t('type.hintVariables', { columns: variables.join(', ') }) : t('type.hint')}
        placeholder={variables.length > 0 ? `+1 212 555 0123, ${variables.join(', ')}` : '+1 212 555 0123'}
        autosize
        minRows={4}
        maxRows={14}
        value={lines}
        onChange={(e) => setLines(e.currentTarget.value)}
        error={tooMany ? t('type.tooMany', { n: count(filled), most: count(mostLines) }) : undefined}
        autoComplete="off"
        spellCheck={false}
      />
      <div role="status">
        {!tooMany && filled > 0 && !checked && !check.error && <Text size="sm">{t('type.checking')}</Text>}
        {!tooMany && Boolean(check.error) && (
          <Text size="sm">
            {(check.error as unknown) instanceof Error ? (check.error as unknown as Error).message : String(check.error)}
          </Text>
        )}
        {checked && (
          <Text size="sm">{t('type.checked', { valid: count(checked.rows.length), wrong: count(checked.problems.length) })}</Text>
        )}
      </div>
      {checked?.rows[0] && (
        <Alert
          variant="outline"
          color="gray"
          icon={<IconCheck aria-hidden />}
          title={t('type.preview', { address: checked.rows[0].address })}
        >
          <Text size="sm" className="said">
            {checked.rows[0].text}
          </Text>
        </Alert>
      )}
      {checked && checked.problems.length > 0 && (
        <List size="sm" spacing={4}>
          {checked.problems.slice(0, 20).map((p) => (
            <List.Item key={p.row}>
              {t('type.line', { row: count(p.row) })} <Wrong row={p} /> – {p.reason}
            </List.Item>
          ))}
        </List>
      )}
      <Group>
        {tooMany ? (
          <Button onClick={() => onFile(new Blob([lines]), t('file.pasted'))}>{t('type.asFile', { n: count(filled) })}</Button>
        ) : (
          <Button loading={busy} disabled={!checked?.rows.length} onClick={() => void add()}>
            {t('type.add', { count: checked?.rows.length ?? 0, n: count(checked?.rows.length ?? 0) })}
          </Button>
        )}
      </Group>
    </Stack>
  )
}
