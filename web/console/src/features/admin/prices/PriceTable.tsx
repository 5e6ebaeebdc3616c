import { ActionIcon, Pagination, Select, Stack, Table, TextInput } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { useNarrow } from '@/ui/useNarrow'
import { channels, type Row, wrong } from './prices'

type Props = { rows: Row[]; readOnly: boolean; onChange: (rows: Row[]) => void }

const pageSize = 50

/** The table to edit, fifty rows at a time; on narrow screens each row is a card. */
export function PriceTable({ rows, readOnly, onChange }: Props) {
  const { t } = useTranslation('admin')
  const narrow = useNarrow()
  const [page, turn] = useState(1)
  const senders = hooks.useQuery('get', '/v1/senders', { params: { query: { limit: 200 } } })
  const pages = Math.max(1, Math.ceil(rows.length / pageSize))
  const shown = rows.slice((Math.min(page, pages) - 1) * pageSize, Math.min(page, pages) * pageSize)
  const set = (row: Row, next: Partial<Row>) => onChange(rows.map((r) => (r.key === row.key ? { ...r, ...next } : r)))
  const cells = (r: Row, n: number) => {
    const bad = wrong(r)
    const field = (name: 'country' | 'prefix' | 'provider' | 'price', width: string, extra: object = {}) => (
      <TextInput
        size="xs"
        label={narrow ? t(`prices.${name}`) : undefined}
        aria-label={t('prices.cell', { column: t(`prices.${name}`), n })}
        value={r[name]}
        readOnly={readOnly}
        error={bad === name ? t(`prices.wrong.${name}`) : undefined}
        onChange={(e) => set(r, { [name]: e.currentTarget.value })}
        w={narrow ? undefined : width}
        {...extra}
      />
    )
    return {
      channel: (
        <Select
          size="xs"
          label={narrow ? t('prices.channel') : undefined}
          aria-label={t('prices.cell', { column: t('prices.channel'), n })}
          data={channels.map((c) => ({ value: c, label: t(`prices.channels.${c}`) }))}
          value={r.channel}
          allowDeselect={false}
          readOnly={readOnly}
          onChange={(v) => v && set(r, { channel: v as Row['channel'] })}
          w={narrow ? undefined : '7rem'}
        />
      ),
      country: field('country', '5rem', { maxLength: 2, placeholder: t('prices.any') }),
      prefix: field('prefix', '8rem', { maxLength: 16, inputMode: 'tel', placeholder: t('prices.any') }),
      provider: field('provider', '8rem', { maxLength: 40, placeholder: t('prices.any') }),
      sender: (
        <Select
          size="xs"
          label={narrow ? t('prices.sender') : undefined}
          aria-label={t('prices.cell', { column: t('prices.sender'), n })}
          placeholder={t('prices.any')}
          clearable={!readOnly}
          data={(senders.data?.items ?? []).map((s) => ({ value: s.id, label: s.name }))}
          value={r.sender || null}
          readOnly={readOnly}
          onChange={(v) => set(r, { sender: v ?? '' })}
          w={narrow ? undefined : '11rem'}
        />
      ),
      price: field('price', '7rem', { inputMode: 'decimal', required: true }),
      remove: readOnly ? null : (
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('prices.remove', { n })}
          onClick={() => onChange(rows.filter((x) => x.key !== r.key))}
        >
          <IconTrash size={16} aria-hidden />
        </ActionIcon>
      ),
    }
  }
  const first = (Math.min(page, pages) - 1) * pageSize
  const names = ['channel', 'country', 'prefix', 'provider', 'sender', 'price'] as const
  return (
    <Stack gap="sm">
      <Table verticalSpacing={4} withRowBorders aria-label={t('prices.title')}>
        {!narrow && (
          <Table.Thead>
            <Table.Tr>
              {names.map((name) => (
                <Table.Th key={name}>{t(`prices.${name}`)}</Table.Th>
              ))}
              <Table.Th>
                <span className="unseen">{t('actions')}</span>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
        )}
        <Table.Tbody>
          {shown.map((r, i) => {
            const c = cells(r, first + i + 1)
            return (
              <Table.Tr key={r.key}>
                {narrow ? (
                  <Table.Td>
                    <Stack gap={4} py="xs">
                      {names.map((name) => (
                        <div key={name}>{c[name]}</div>
                      ))}
                      {c.remove}
                    </Stack>
                  </Table.Td>
                ) : (
                  [...names, 'remove' as const].map((name) => (
                    <Table.Td key={name} style={{ verticalAlign: 'top' }}>
                      {c[name]}
                    </Table.Td>
                  ))
                )}
              </Table.Tr>
            )
          })}
        </Table.Tbody>
      </Table>
      {pages > 1 && (
        <Pagination
          total={pages}
          value={Math.min(page, pages)}
          onChange={turn}
          getControlProps={(control) => ({ 'aria-label': t(`prices.page.${control}`) })}
          getItemProps={(n) => ({ 'aria-label': t('prices.page.n', { n }) })}
        />
      )}
    </Stack>
  )
}
