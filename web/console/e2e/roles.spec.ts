import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from './house'

const navigation = readFileSync(join(import.meta.dirname, '../src/navigation.ts'), 'utf8')
const pages = [...navigation.matchAll(/^ {2}\{ path: '([^']+)'/gm)].map(([, path]) => path ?? '')

test('an agent gets neither page nor API, a campaign manager no administration', async ({ page, house }) => {
  test.setTimeout(150_000)
  const agent = await house.user('agent')
  await page.goto(house.url)
  await expect(page.getByRole('heading', { level: 1, name: 'Sign in' })).toBeVisible()
  await page.getByLabel('E-mail address').fill(agent.email)
  await page
    .getByLabel(/^Password/)
    .first()
    .fill(agent.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Nothing here for your role' })).toBeVisible()
  expect(pages.length).toBeGreaterThan(10)
  for (const path of pages) {
    await page.goto(house.url + path)
    await expect(page.getByRole('heading', { level: 1, name: 'Not for your role' })).toBeVisible()
  }
  const campaign = await house.campaign('Not for agents', 1, 1)
  for (const path of [
    '/v1/campaigns',
    '/v1/campaigns.csv',
    `/v1/campaigns/${campaign.id}/recipients`,
    '/v1/figures',
    '/v1/users',
    '/v1/opt-outs',
  ])
    expect((await page.request.get(house.url + path)).status(), path).toBe(403)
  expect((await page.request.post(`${house.url}/v1/campaigns/${campaign.id}/launch`, { data: { consent: true } })).status()).toBe(403)

  await house.enter(page, await house.user('campaign_manager'))
  await page.goto(`${house.url}/campaigns`)
  await expect(page.getByRole('heading', { level: 1, name: 'Campaigns' })).toBeVisible()
  await expect(page.getByRole('link', { name: 'Users and roles' })).toHaveCount(0)
  await page.goto(`${house.url}/admin/users`)
  await expect(page.getByRole('heading', { level: 1, name: 'Not for your role' })).toBeVisible()
  expect((await page.request.get(`${house.url}/v1/users`)).status()).toBe(403)
})
