import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { type Demo, theDemo } from './demo'
import { expect, quiet as test } from './house'

// Every page with the demo's data: no violation that axe can find, no error in the browser's console, no sideways scroll down to 320 px.
// Each project looks at its own: the desktop in light and in dark, the phone, and the dark one at 320 px too.

test.use({ trace: 'off' }) // what is wrong is told in words; recording every page costs a minute

let demo: Demo
test.beforeAll(async () => {
  test.setTimeout(270_000)
  demo = await theDemo()
})

test('the list of pages is the router’s', () => {
  const router = readFileSync(join(import.meta.dirname, '../src/router.tsx'), 'utf8')
  const routes = [...router.matchAll(/path: '([^']+)'/g)].map(([, path]) => path).filter((path) => path !== '/')
  expect([...new Set(demo.pages.map((p) => p.route))].sort()).toEqual(routes.sort())
})

test('every page passes', async ({ page, colorScheme }) => {
  test.setTimeout(300_000)
  const findings: string[] = []
  const look = async (name: string) => {
    for (const v of await violationsOf(page)) findings.push(`${name}: ${v}`)
    await fits(name)
  }
  const fits = async (name: string) => {
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    await expect // the layout takes a moment after the size has changed
      .poll(wide, { timeout: 5000 })
      .toBeLessThanOrEqual(0)
      .catch(async () => findings.push(`${name}: ${await wide()} px too wide`))
  }
  const visit = async ({ name, path }: { name: string; path: string }) => {
    await page.goto(demo.url + path)
    await expect(page.getByRole('heading', { level: 1 }), `${name} has a visible h1`).toBeVisible()
    await settled(page)
    await look(name)
    const size = page.viewportSize() ?? { width: 1280, height: 720 }
    await page.setViewportSize({ width: 320, height: 700 })
    await (colorScheme === 'dark' ? look : fits)(`${name} at 320 px`)
    await page.setViewportSize(size)
  }
  for (const p of demo.pages) if (p.open) await visit(p)
  const session = await page.request.post(`${demo.url}/v1/session`, { data: demo.people.administrator })
  expect(session.ok()).toBe(true)
  for (const p of demo.pages) if (!p.open) await visit(p)
  expect(findings).toEqual([])
  const dark = await page.evaluate(() => document.documentElement.dataset.mantineColorScheme === 'dark')
  expect(dark, 'the console follows the scheme of the project').toBe(colorScheme === 'dark')
})

test('pages that still load pass', async ({ page }) => {
  test.setTimeout(120_000)
  const session = await page.request.post(`${demo.url}/v1/session`, { data: demo.people.administrator })
  expect(session.ok()).toBe(true)
  await page.route(/\/v1\/(campaigns|figures|lab\/phones|held)/, () => {}) // an answer that never comes
  const findings: string[] = []
  for (const name of ['campaigns', 'campaign-overview', 'person', 'compose', 'held', 'phones']) {
    await page.goto(demo.url + (name === 'phones' ? '/phones?phones=12125550100' : demo.pages.find((p) => p.name === name)?.path))
    await expect(page.getByRole('progressbar', { name: 'Loading' }).first(), `${name} says that it loads`).toBeVisible()
    for (const v of await violationsOf(page)) findings.push(`${name}: ${v}`)
  }
  expect(findings).toEqual([])
})

async function violationsOf(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .options({ resultTypes: ['violations'] })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .setLegacyMode(true) // there are no frames that it would have to gather from
    .analyze()
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id} at ${n.target}: ${n.failureSummary?.split('\n')[1]?.trim()}`))
}

/** Lists and figures have come: nothing stands in their place any more. Pages are live, so the network never rests. */
async function settled(page: Page): Promise<void> {
  await expect.poll(() => page.evaluate(() => document.querySelectorAll('.mantine-Skeleton-root, .mantine-Loader-root').length)).toBe(0)
}
