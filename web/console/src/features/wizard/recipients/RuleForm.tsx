import { Autocomplete, Button, Group } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { count } from '@/lib/format'
import { attempt, confirm } from '@/ui/confirm'
import { callingCodeOf, callingCodes } from './countries'

type Props = {
  campaign: string
  group: Schemas['ProblemGroup']
  onFixed: (result: Schemas['Fix']) => Promise<void>
}
type Rule = 'add_country_code' | 'clear_zone' | 'drop_extra_columns' | 'discard'

/** Repairs that a rule makes in all rows of a cause at once; the server checks those rows again and no others. */
export function RuleForm({ campaign, group, onFixed }: Props) {
  const { t, i18n } = useTranslation('recipients')
  const [country, setCountry] = useState('')
  const [wrong, setWrong] = useState('')
  const [busy, setBusy] = useState<Rule>()
  const run = async (rule: Rule, value?: string) => {
    setBusy(rule)
    await attempt(async () => {
      const { data } = await api.POST('/v1/campaigns/{campaign}/problems/fix', {
        params: { path: { campaign } },
        body: { code: group.code, rule, ...(value ? { value } : {}) },
      })
      if (data) await onFixed(data)
    })
    setBusy(undefined)
  }
  const addCode = () => {
    const code = callingCodeOf(country)
    if (!code) return setWrong(t('rule.badCode'))
    setWrong('')
    void run('add_country_code', code)
  }
  const n = count(group.count)
  return (
    <Group align="flex-end" gap="xs">
      {group.rules.includes('add_country_code') && (
        <>
          <Autocomplete
            label={t('rule.country')}
            placeholder="+1"
            data={callingCodes(i18n.language)}
            value={country}
            onChange={setCountry}
            error={wrong}
            limit={50}
            w={180}
          />
          <Button variant="light" loading={busy === 'add_country_code'} onClick={addCode}>
            {t('rule.add_country_code', { n })}
          </Button>
        </>
      )}
      {(['clear_zone', 'drop_extra_columns'] as const).map(
        (rule) =>
          group.rules.includes(rule) && (
            <Button key={rule} variant="light" loading={busy === rule} onClick={() => void run(rule)}>
              {t(`rule.${rule}`, { n })}
            </Button>
          ),
      )}
      {group.rules.includes('discard') && (
        <Button
          variant="subtle"
          loading={busy === 'discard'}
          onClick={() =>
            confirm({
              title: t('rule.discardAsk', { count: group.count, n }),
              text: t('rule.discardText'),
              action: t('rule.discard', { count: group.count, n }),
              danger: true,
              do: () => run('discard'),
            })
          }
        >
          {t('rule.discard', { count: group.count, n })}
        </Button>
      )}
    </Group>
  )
}
