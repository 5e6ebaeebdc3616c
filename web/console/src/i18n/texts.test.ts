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
