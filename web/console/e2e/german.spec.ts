import { type Demo, theDemo } from './demo'
import { expect, quiet as test } from './house'

// In the German console nothing of the server's is English. Each page's own questions are asked again in English: what the server says there must not
// stand on the page, and must be another text than what the page was told.

/** Fields in which the server says something to people. Names, texts and raw rows are people's own. */
const spoken = ['doubt', 'detail', 'title', 'message', 'fix', 'words', 'notes', 'stalled_reason', 'why', 'means', 'problem']

/** Documents, not sentences: policy packs speak as their sources do, and the audit keeps what was changed. */
const records = ['/v1/policy/packs', '/v1/audit']

const sentences = (o: unknown, field = ''): string[] => {
  if (typeof o === 'string') return spoken.includes(field) && o.trim().split(/\s+/).length > 2 ? [o] : []
  if (Array.isArray(o)) return o.flatMap((x) => sentences(x, field))
  if (o && typeof o === 'object') {
    const kind = 'kind' in o ? o.kind : ''
    return Object.entries(o).flatMap(([k, v]) => (k === 'message' && kind === 'reply' ? [] : sentences(v, k)))
  }
  return []
}

let demo: Demo
test.beforeAll(async () => {
  test.setTimeout(120_000)
  demo = await theDemo()
})

test('no page of the German console says what the server says in English', async ({ page }) => {
  test.setTimeout(180_000)
  await page.addInitScript(() => localStorage.setItem('overture.language', 'de'))
  const session = await page.request.post(`${demo.url}/v1/session`, { data: demo.people.administrator })
  expect(session.ok()).toBe(true)
  const findings: string[] = []
  let compared = 0
  for (const { name, path } of demo.pages.filter((p) => !p.open)) {
    const asked = new Map<string, unknown>()
    const listen = async (answer: import('@playwright/test').Response) => {
      const request = answer.request()
      if (records.some((path) => answer.url().includes(path))) return
      if (request.method() !== 'GET' || !answer.url().includes('/v1/') || !answer.headers()['content-type']?.includes('json')) return
      if (answer.headers()['content-language'] !== 'de')
        findings.push(`${name}: ${answer.url()} is in ${answer.headers()['content-language']}`)
      asked.set(answer.url(), await answer.json().catch(() => undefined))
    }
    page.on('response', listen)
    await page.goto(demo.url + path)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    await expect.poll(() => page.evaluate(() => document.querySelectorAll('.mantine-Skeleton-root').length)).toBe(0)
    page.off('response', listen)
    const shown = (await page.locator('body').innerText()).toLowerCase()
    for (const [url, told] of asked) {
      const answer = await page.request.get(url, { headers: { 'Accept-Language': 'en' } })
      const german = new Set(sentences(told))
      for (const english of sentences(await answer.json())) {
        compared++
        if (german.has(english)) findings.push(`${name}: “${english}” has no German`)
        if (shown.includes(english.toLowerCase())) findings.push(`${name}: the page says “${english}”`)
      }
    }
  }
  expect([...new Set(findings)]).toEqual([])
  expect(compared, 'sentences that were compared').toBeGreaterThan(50)
})

test('another language is spoken at once', async ({ page }) => {
  const session = await page.request.post(`${demo.url}/v1/session`, { data: demo.people.administrator })
  expect(session.ok()).toBe(true)
  const review = demo.pages.find((p) => p.name === 'review')
  await page.goto(demo.url + (review?.path ?? ''))
  const consent = (text: string) => page.getByText(text).first()
  await expect(consent('you are responsible for the opt-in consent')).toBeVisible()
  await page.getByRole('button', { name: /your account/i }).click()
  await page.getByRole('menuitem', { name: 'Deutsch' }).click()
  await expect(consent('Sie sind für die Einwilligung jedes Empfängers verantwortlich')).toBeVisible()
  await expect(page.getByText('you are responsible for the opt-in consent')).toHaveCount(0)
})
