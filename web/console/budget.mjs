// Fails when the entry script or the files of any page grow beyond the budget (gzip, as transferred).
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const entryLimit = 170 * 1024
const routeLimit = 330 * 1024
const manifest = JSON.parse(readFileSync('dist/.vite/manifest.json', 'utf8'))
const size = (file) => statSync(join('dist', `${file}.gz`)).size

// Everything that must be there before a chunk runs: itself and its static imports.
function needs(key, seen = new Set()) {
  if (seen.has(key)) return seen
  seen.add(key)
  for (const next of manifest[key].imports ?? []) needs(next, seen)
  return seen
}
const scripts = (keys) => [...keys].reduce((sum, key) => sum + size(manifest[key].file), 0)

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry)
const first = needs(entry)
const kb = (n) => `${(n / 1024).toFixed(1)} KB`
let failed = false
const judge = (name, n, limit) => {
  const over = n > limit
  failed ||= over
  process.stdout.write(`${over ? 'OVER ' : '     '}${kb(n).padStart(9)} of ${kb(limit)}  ${name}\n`)
}
judge('entry', scripts(first), entryLimit)
const language = Object.keys(manifest).filter((key) => /i18n\/en\/index/.test(key))
const frame = Object.keys(manifest).filter((key) => /ui\/Frame/.test(key))

// The ways to a part of a page: what was loaded on demand before it, since a part is never there without its page.
function ways(key) {
  const before = Object.keys(manifest).filter((other) => other !== key && manifest[other].dynamicImports?.includes(key))
  return before.flatMap((other) => (first.has(other) ? [[key]] : ways(other).map((way) => [...way, key])))
}
for (const page of Object.keys(manifest).filter((key) => manifest[key].isDynamicEntry && /features\//.test(key))) {
  for (const way of ways(page)) {
    const all = new Set(first)
    for (const key of [...way, ...language, ...frame]) needs(key, all)
    judge(way.map((key) => key.replace('src/features/', '').replace('.tsx', '')).join(' → '), scripts(all), routeLimit)
  }
}
process.exit(failed ? 1 : 0)
