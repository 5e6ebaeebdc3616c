import { Button, Center, Group, Loader, Stack, Table } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, type ReactNode, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Trouble } from './Trouble'
import { useNarrow } from './useNarrow'

export type Column<T> = {
  id: string
  title: string
  cell: (row: T) => ReactNode
  numeric?: boolean
  /** CSS width such as '8rem'; columns without one share what is left. */
  width?: string
}

/** What useInfiniteQuery over a paged list gives. */
export type Pages<T> = {
  rows: T[]
  more: boolean
  loading: boolean
  error: unknown
  loadMore: () => void
  retry: () => void
}

type Props<T> = {
  label: string
  columns: Column<T>[]
  pages: Pages<T>
  rowKey: (row: T) => string
  empty: ReactNode
  /** Pixels; with it the table scrolls by itself and draws only what is seen, so that a million rows cost as much as fifty. */
  height?: number
}

const rowHeight = 45

/** A list that the server pages: a table on wide screens, cards on narrow ones. The next page comes when its end is near, or by a button. */
export function DataTable<T>({ label, columns, pages, rowKey, empty, height }: Props<T>) {
  const { t } = useTranslation('frame')
  const narrow = useNarrow()
  const scroll = useRef<HTMLDivElement>(null)
  const { rows, more, loading, error, loadMore, retry } = pages
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    useFlushSync: false, // a scroll may draw in the next frame; waiting for it would hold up the page
    enabled: Boolean(height) && !narrow,
  })
  const seen = height && !narrow ? virtual.getVirtualItems() : rows.map((_, index) => ({ index, start: 0, end: 0 }))
  const last = seen.at(-1)?.index ?? 0
  useEffect(() => {
    if (height && !narrow && more && !loading && !error && last >= rows.length - 40) loadMore()
  }, [height, narrow, more, loading, error, last, rows.length, loadMore])

  if (error && rows.length === 0) return <Trouble error={error} retry={retry} />
  if (rows.length === 0 && loading) {
    return (
      <Center p="xl">
        <Loader role="progressbar" aria-label={t('loading')} />
      </Center>
    )
  }
  if (rows.length === 0) return <>{empty}</>

  const foot = (
    <Group justify="center" mt="sm">
      {Boolean(error) && <Trouble error={error} retry={retry} />}
      {more && !error && (
        <Button variant="default" loading={loading} onClick={loadMore}>
          {t('action.more')}
        </Button>
      )}
    </Group>
  )
  if (narrow) {
    return (
      <Stack gap="xs">
        <Stack component="ul" role="list" aria-label={label} gap="xs" p={0} m={0} style={{ listStyle: 'none' }}>
          {rows.map((row) => (
            <Card key={rowKey(row)} row={row} columns={columns} />
          ))}
        </Stack>
        {foot}
      </Stack>
    )
  }
  const before = height ? (seen[0]?.start ?? 0) : 0
  const after = height ? virtual.getTotalSize() - (seen.at(-1)?.end ?? 0) : 0
  return (
    <div>
      <section
        ref={scroll}
        aria-label={label}
        tabIndex={height ? 0 : -1}
        style={height ? { height, overflow: 'auto' } : { overflowX: 'auto' }}
      >
        <Table
          stickyHeader={Boolean(height)}
          verticalSpacing="xs"
          aria-label={label}
          aria-rowcount={more ? -1 : rows.length + 1}
          layout={height ? 'fixed' : 'auto'}
        >
          <Table.Thead>
            <Table.Tr>
              {columns.map((c) => (
                <Table.Th key={c.id} className={c.numeric ? 'number' : undefined} w={c.width}>
                  {c.title}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {before > 0 && (
              <tr aria-hidden>
                <td colSpan={columns.length} height={before} />
              </tr>
            )}
            {seen.map(({ index }) => {
              const row = rows[index]
              return row === undefined ? null : <Row key={rowKey(row)} row={row} index={index} columns={columns} />
            })}
            {after > 0 && (
              <tr aria-hidden>
                <td colSpan={columns.length} height={after} />
              </tr>
            )}
          </Table.Tbody>
        </Table>
      </section>
      {foot}
    </div>
  )
}

type RowProps<T> = { row: T; index: number; columns: Column<T>[] }

// Looks like the kit's row without being one: its parts work out their styles for each cell anew, which a fast scroll would feel.
const tr = Table.classes.tr
const td = `${Table.classes.td} cell`

/** Kept while more cards come: only new ones are drawn. */
const Card = memo(function Card<T>({ row, columns }: Omit<RowProps<T>, 'index'>) {
  return (
    <li className="card">
      {columns.map((c) => (
        <div key={c.id} className="card-line">
          <span className="card-name">{c.title}</span>
          <div className="card-value">{c.cell(row)}</div>
        </div>
      ))}
    </li>
  )
}) as <T>(props: Omit<RowProps<T>, 'index'>) => ReactNode

/** Kept while the list scrolls past it: only rows that come into sight are drawn. */
const Row = memo(function Row<T>({ row, index, columns }: RowProps<T>) {
  return (
    <tr className={tr} data-with-row-border aria-rowindex={index + 2}>
      {columns.map((c) => (
        <td key={c.id} className={c.numeric ? `${td} number` : td}>
          {c.cell(row)}
        </td>
      ))}
    </tr>
  )
}) as <T>(props: RowProps<T>) => ReactNode
