import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { type Demo, theDemo } from './demo'
import { expect, quiet as test } from './house'

// Every page with the demo's data: no violation that axe can find, no error in the browser's console, no sideways scroll down to 320 px.

let demo: Demo
test.beforeAll(async () => {
  test.setTimeout(120_000)
  demo = await theDemo()
})

test('the list of pages is the router’s', () => {
  const router = readFileSync(join(import.meta.dirname, '../src/router.tsx'), 'utf8')
  const routes = [...router.matchAll(/path: '([^']+)'/g)].map(([, path]) => path).filter((path) => path !== '/')
  expect([...new Set(demo.pages.map((p) => p.route))].sort()).toEqual(routes.sort())
})

test('every page passes @everywhere', async ({ page, isMobile }, { project }) => {
  test.skip(project.name === 'dark', 'the desktop looks at both schemes')
  test.setTimeout(240_000)
  const findings: string[] = []
  const look = async (name: string) => {
    const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze()
    for (const v of violations)
      for (const n of v.nodes) findings.push(`${name}: ${v.id} at ${n.target}: ${n.failureSummary?.split('\n')[1]?.trim()}`)
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    if (wide > 0) findings.push(`${name}: ${wide} px too wide`)
  }
  const visit = async ({ name, path }: { name: string; path: string }) => {
    await page.emulateMedia({ colorScheme: 'light' })
    await page.goto(demo.url + path)
    await expect(page.getByRole('heading', { level: 1 }), `${name} has a visible h1`).toBeVisible()
    await settled(page)
    await look(name)
    if (isMobile) return
    await page.emulateMedia({ colorScheme: 'dark' })
    await look(`${name} in the dark`)
    await page.setViewportSize({ width: 320, height: 700 })
    await look(`${name} at 320 px`)
    await page.setViewportSize({ width: 1280, height: 720 })
  }
  for (const p of demo.pages) if (p.open) await visit(p)
  const session = await page.request.post(`${demo.url}/v1/session`, { data: demo.people.administrator })
  expect(session.ok()).toBe(true)
  for (const p of demo.pages) if (!p.open) await visit(p)
  expect(findings).toEqual([])
})

/** Lists and figures have come: no skeleton is left. Pages are live, so the network never rests. */
async function settled(page: Page): Promise<void> {
  await expect.poll(() => page.evaluate(() => document.querySelectorAll('.mantine-Skeleton-root').length)).toBe(0)
}
