import { expect, test } from 'vitest'
import { choose, newest, same } from './policy'

const pack = (name: string, version: string) => ({ name, version, title: name, disclaimer: '', as_of: '', rules: [], calendars: [] })
const packs = [pack('us', '2'), pack('us', '10'), pack('world', '1')]

test('the newest version counts numbers as numbers', () => {
  expect(newest(packs).map((p) => `${p.name}@${p.version}`)).toEqual(['us@10', 'world@1'])
})

test('a pack without a version is its newest', () => {
  expect(same({ packs: [{ name: 'us' }] }, { packs: [{ name: 'us', version: '10' }] }, packs)).toBe(true)
  expect(same({ packs: [{ name: 'us' }] }, { packs: [{ name: 'us', version: '2' }] }, packs)).toBe(false)
  expect(same({ packs: [] }, { packs: [], cap: { max: 3, hours: 24 } }, packs)).toBe(false)
})

test('choosing replaces an older version and leaves the rest', () => {
  const p = { packs: [{ name: 'us', version: '2' }], over_cap: 'hold' as const }
  expect(choose(p, 'us', true)).toEqual({ packs: [{ name: 'us' }], over_cap: 'hold' })
  expect(choose(choose(p, 'world', true), 'us', false).packs).toEqual([{ name: 'world' }])
})
