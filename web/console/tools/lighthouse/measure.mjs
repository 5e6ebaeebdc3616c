// Lighthouse, desktop, on every page of the console with the demo's data. Fails below 95/100/100/100.
//   node measure.mjs [--runs 3] [page …]
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import lighthouse, { desktopConfig } from 'lighthouse'
import { chromium as browserType } from 'playwright-core'
import { chromium, openDemo } from '../demo.mjs'
import { pagesOf } from '../routes.mjs'
import { signIn } from '../session.mjs'

const floors = { performance: 95, accessibility: 100, 'best-practices': 100, seo: 100 }
const { values, positionals } = parseArgs({ options: { runs: { type: 'string', default: '1' } }, allowPositionals: true })
const runs = Number(values.runs)
const say = (text) => process.stdout.write(`${text}\n`)
const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

say('the demo tells its story …')
const demo = await openDemo()
const profile = mkdtempSync(join(tmpdir(), 'overture-lighthouse-'))
const port = await freePort()
const context = await browserType.launchPersistentContext(profile, {
  ...chromium,
  headless: true,
  args: [...chromium.args, `--remote-debugging-port=${port}`],
})
let low = false
try {
  const pages = (await pagesOf(demo)).filter((p) => positionals.length === 0 || positionals.includes(p.name))
  let signedIn = false
  say(`load ${loadavg()[0].toFixed(1)}; medians of ${runs}\nperf a11y best  seo   LCP ms  TBT ms  CLS    page`)
  for (const page of pages.sort((a, b) => Number(b.open ?? false) - Number(a.open ?? false))) {
    if (!page.open && !signedIn) {
      await signIn(demo, context)
      signedIn = true
    }
    const results = []
    for (let i = 0; i < runs; i++) {
      const result = await lighthouse(demo.url + page.path, { port, output: 'json', logLevel: 'silent' }, desktopConfig)
      if (!result || result.lhr.runtimeError) throw new Error(`${page.name}: ${result?.lhr.runtimeError?.message}`)
      results.push(result.lhr)
    }
    results.sort((a, b) => (a.categories.performance.score ?? 0) - (b.categories.performance.score ?? 0))
    const { categories, audits } = results[Math.floor(results.length / 2)]
    const scores = Object.keys(floors).map((name) => Math.round(100 * (categories[name].score ?? 0)))
    const of = (audit) => audits[audit].numericValue ?? 0
    say(
      `${scores.map((n) => String(n).padStart(4)).join(' ')}  ${of('largest-contentful-paint').toFixed(0).padStart(6)}  ` +
        `${of('total-blocking-time').toFixed(0).padStart(6)}  ${of('cumulative-layout-shift').toFixed(3)}  ${page.name}`,
    )
    for (const [i, [name, floor]] of Object.entries(floors).entries()) {
      if ((scores[i] ?? 0) >= floor) continue
      low = true
      const blame = categories[name].auditRefs
        .map((ref) => audits[ref.id])
        .filter((a) => a && a.score !== null && a.score < 0.9 && a.scoreDisplayMode !== 'informative')
      for (const audit of blame) say(`       ${name}: ${audit.id}: ${audit.displayValue ?? audit.title}`)
    }
  }
} finally {
  await context.close()
  await demo.close()
  rmSync(profile, { recursive: true, force: true })
}
process.exit(low ? 1 : 0)
