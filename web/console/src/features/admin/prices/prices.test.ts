import { expect, test } from 'vitest'
import { micros, parsePrices, pricesOf, priceText, rowsOf, wrong } from './prices'

test('prices are exact to a millionth', () => {
  for (const [text, n] of [
    ['0.0079', 7900],
    ['0,0079', 7900],
    ['.5', 500_000],
    ['12', 12_000_000],
    ['0', 0],
    ['0.000001', 1],
  ] as const) {
    expect(micros(text)).toBe(n)
    expect(micros(priceText(n))).toBe(n)
  }
  for (const text of ['', 'free', '-1', '1.2.3', '0.0000001', '1e3', '1,000.5']) expect(micros(text)).toBeUndefined()
})

test('a table survives reading and writing', () => {
  const prices = [
    { channel: 'sms' as const, country: 'US', micros: 7900 },
    { channel: 'sms' as const, prefix: '1787', provider: 'twilio', micros: 12_500 },
  ]
  expect(pricesOf(rowsOf(prices))).toEqual(prices)
})

test('pasted lines: header, separators, destinations, and what cannot be read', () => {
  expect(parsePrices('US,0.0079\n+44;0,04\n\nnowhere,1\nDE,free').bad).toEqual([4, 5])
  expect(parsePrices('US\t0.0079').rows).toEqual([{ channel: 'sms', country: 'US', prefix: '', provider: '', sender: '', price: '0.0079' }])
  expect(parsePrices('price,prefix\n0.01,49').rows[0]).toMatchObject({ prefix: '49', price: '0.01', channel: 'sms' })
  expect(parsePrices('whatsapp,FR,,,,0.05').rows[0]).toMatchObject({ channel: 'whatsapp', country: 'FR', price: '0.05' })
})

test('a country and a prefix at once is one too many', () => {
  const row = { key: 0, channel: 'sms' as const, country: 'US', prefix: '1', provider: '', sender: '', price: '1' }
  expect(wrong(row)).toBe('prefix')
  expect(wrong({ ...row, prefix: '' })).toBeUndefined()
})
