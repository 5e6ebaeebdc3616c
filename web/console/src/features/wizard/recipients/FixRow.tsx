import { Button, Group, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { count } from '@/lib/format'

type Row = Schemas['RowProblem']
type Props = { campaign: string; row: Row; onFixed: (result: Schemas['Fix']) => Promise<void> }

/** One cell where that is what is wrong, else the whole line. */
const oneCell = (row: Row): boolean => row.at >= 0 && row.code !== 'too_many_columns'

export function FixRow({ campaign, row, onFixed }: Props) {
  const { t } = useTranslation('recipients')
  const before = oneCell(row) ? (row.cells[row.at] ?? '') : row.raw
  const [value, setValue] = useState(before)
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState('')
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setWrong('')
    try {
      const { data } = await api.POST('/v1/campaigns/{campaign}/problems/fix', {
        params: { path: { campaign } },
        body: {
          row: row.row,
          import: row.import,
          ...(oneCell(row) ? { cells: row.cells.map((cell, i) => (i === row.at ? value : cell)) } : { line: value }),
        },
      })
      if (data?.problem) setWrong(data.problem.reason)
      if (data) await onFixed(data)
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <TextInput
          size="xs"
          aria-label={t(oneCell(row) ? 'problem.newValue' : 'problem.newLine', { row: count(row.row), column: row.column })}
          value={value}
          onChange={(e) => setValue(e.currentTarget.value)}
          error={wrong}
          maxLength={20_000}
          style={{ flex: 1, minWidth: 0 }}
        />
        <Button size="xs" type="submit" variant="default" loading={busy} disabled={value === before} style={{ flex: 'none' }}>
          {t('problem.check')}
        </Button>
      </Group>
    </form>
  )
}
