// A signed-in Chromium on the demo's console, as the picture and Lighthouse tools use it.

/**
 * @param {{ url: string, people: Record<string, import('./demo.mjs').Person> }} demo
 * @param {import('playwright-core').BrowserContext} context
 */
export async function signIn(demo, context) {
  const answer = await context.request.post(`${demo.url}/v1/session`, { data: demo.people.administrator })
  if (!answer.ok()) throw new Error(`sign-in: ${answer.status()}`)
}

/**
 * Until the page has its heading and no list or figure is still on its way.
 * @param {import('playwright-core').Page} page
 */
export async function settled(page) {
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForFunction(() => document.querySelectorAll('.mantine-Skeleton-root, .mantine-Loader-root').length === 0, undefined, {
    timeout: 20_000,
  })
}
