import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { texts as de } from './de'
import { texts as en } from './en'

const paths = (o: unknown, at = ''): string[] =>
  o !== null && typeof o === 'object' ? Object.entries(o).flatMap(([k, v]) => paths(v, at ? `${at}.${k}` : k)) : [at]

const holes = (o: unknown): Record<string, string> =>
  Object.fromEntries(
    paths(o).map((p) => [
      p,
      (String(p.split('.').reduce<unknown>((x, k) => (x as Record<string, unknown>)[k], o)).match(/{{\w+}}/g) ?? []).sort().join(),
    ]),
  )

test('every text is there in every language, with the same holes', () => {
  expect(paths(de).sort()).toEqual(paths(en).sort())
  expect(holes(de)).toEqual(holes(en))
})

test('whatever the server checks has a name', () => {
  const room = join(import.meta.dirname, '../../../../internal/outbound/campaign')
  const source = readdirSync(room)
    .filter((file) => /^(?!.*_test).*\.go$/.test(file))
    .map((file) => readFileSync(join(room, file), 'utf8'))
    .join()
  const named = (pattern: RegExp) => [...new Set([...source.matchAll(pattern)].map(([, name]) => name ?? ''))].sort()
  const why = named(/Reason\{Check: "(\w+)"/g)
  const launch = named(/Check\{Name: "(\w+)"/g)
  expect(why.length).toBeGreaterThan(10)
  expect(launch.length).toBeGreaterThan(10)
  const wanted = [...why.map((name) => `campaign.check.${name}`), ...launch.map((name) => `wizard.check.${name}`)]
  expect(paths(en)).toEqual(expect.arrayContaining(wanted))
})
