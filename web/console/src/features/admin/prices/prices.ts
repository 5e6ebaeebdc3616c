import type { Schemas } from '@/api/client'

type Price = Schemas['Price']

/** One row as people type it: everything is text until it is saved. */
export type Row = {
  key: number
  channel: Price['channel']
  country: string
  prefix: string
  provider: string
  sender: string
  price: string
}

export const channels = ['sms', 'whatsapp', 'in_app', 'web'] as const

/** "0.0079" as millionths; undefined when it is no price. A comma is taken for the decimal point when it is the only one. */
export function micros(text: string): number | undefined {
  const plain = text.trim().replace(/^(\d*),(\d+)$/, '$1.$2')
  if (!/^(\d+(\.\d{0,6})?|\.\d{1,6})$/.test(plain)) return undefined
  const [whole = '', part = ''] = plain.split('.')
  return Number(whole || '0') * 1_000_000 + Number(part.padEnd(6, '0'))
}

/** Millionths as people write them, without zeros that say nothing. */
export function priceText(n: number): string {
  const part = String(n % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '')
  return part ? `${Math.floor(n / 1_000_000)}.${part}` : String(Math.floor(n / 1_000_000))
}

export const rowsOf = (prices: Price[]): Row[] =>
  prices.map((p, key) => ({
    key,
    channel: p.channel,
    country: p.country ?? '',
    prefix: p.prefix ?? '',
    provider: p.provider ?? '',
    sender: p.sender ?? '',
    price: priceText(p.micros),
  }))

/** Which field of a row is wrong, if any: the price, or a country and a prefix at once. */
export function wrong(row: Row): 'price' | 'country' | 'prefix' | undefined {
  if (micros(row.price) === undefined) return 'price'
  if (row.country && !/^[A-Za-z]{2}$/.test(row.country)) return 'country'
  if (row.prefix && !/^[1-9]\d{0,14}$/.test(row.prefix.replace(/^\+/, ''))) return 'prefix'
  if (row.country && row.prefix) return 'prefix'
  return undefined
}

export const pricesOf = (rows: Row[]): Price[] =>
  rows.map((r) => ({
    channel: r.channel,
    micros: micros(r.price) ?? 0,
    ...(r.country ? { country: r.country.toUpperCase() } : {}),
    ...(r.prefix ? { prefix: r.prefix.replace(/^\+/, '') } : {}),
    ...(r.provider ? { provider: r.provider.trim() } : {}),
    ...(r.sender ? { sender: r.sender } : {}),
  }))

export const columns = ['channel', 'country', 'prefix', 'provider', 'sender', 'price'] as const

/** Lines of columns by comma, semicolon or tab, with or without a header; two columns are destination and price. */
export function parsePrices(text: string): { rows: Omit<Row, 'key'>[]; bad: number[] } {
  const rows: Omit<Row, 'key'>[] = []
  const bad: number[] = []
  let order: string[] | undefined
  text.split(/\r?\n/).forEach((line, i) => {
    if (!line.trim()) return
    const mark = ['\t', ';', ','].find((m) => line.includes(m)) ?? ','
    const cells = line.split(mark).map((c) =>
      c
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .replace(/^\ufeff/, ''),
    )
    const names = cells.map((c) => c.toLowerCase())
    if (!order && names.includes('price')) {
      order = names
      return
    }
    order ??= cells.length === 2 ? ['destination', 'price'] : [...columns]
    const cell = (name: string) => cells[order?.indexOf(name) ?? -1] ?? ''
    const place = cell('destination')
    const row = {
      channel: (channels.find((c) => c === cell('channel').toLowerCase()) ?? 'sms') as Row['channel'],
      country: (cell('country') || (/^[A-Za-z]{2}$/.test(place) ? place : '')).toUpperCase(),
      prefix: (cell('prefix') || (/^\+?\d+$/.test(place) ? place : '')).replace(/^\+/, ''),
      provider: cell('provider'),
      sender: cell('sender'),
      price: cell('price'),
    }
    if (wrong({ key: 0, ...row }) || (place && !row.country && !row.prefix)) bad.push(i + 1)
    else rows.push(row)
  })
  return { rows, bad }
}
