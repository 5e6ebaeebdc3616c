import { expect, test } from './house'

test('what one tab does, the other shows without a reload', async ({ page, house, context }) => {
  test.setTimeout(150_000)
  const { admin } = await house.furniture()
  const campaign = await house.campaign('Seen twice', 200, 4)
  await campaign.launch()
  await house.enter(page, admin)
  const other = await context.newPage()
  for (const tab of [page, other]) {
    await tab.goto(`${house.url}/campaigns/${campaign.id}`)
    await expect(tab.getByRole('heading', { level: 1, name: 'Seen twice' })).toBeVisible()
  }
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Pause the campaign?' })
  await dialog.getByLabel('Reason').fill('Asked to wait')
  await dialog.getByRole('button', { name: 'Pause', exact: true }).click()
  await expect(other.getByRole('region', { name: 'Progress' }).getByText(/Asked to wait/)).toBeVisible()
  await other.getByRole('button', { name: 'Resume', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Pause', exact: true })).toBeVisible()
  await house.call('POST', `/v1/campaigns/${campaign.id}/cancel`, {})
  for (const tab of [page, other]) await expect(tab.getByText('Canceled', { exact: true }).first()).toBeVisible()
})

test('two tabs on one draft: the second to save is asked, nothing is lost', async ({ page, house, context }) => {
  test.setTimeout(150_000)
  const { admin } = await house.furniture()
  const draft = await house.campaign('Shared draft', 3, 1)
  await house.enter(page, admin)
  const other = await context.newPage()
  // A tab that hears of the save in time shows it and has no conflict; this one hears nothing.
  await other.routeWebSocket(/\/v1\/live/, () => {})
  for (const tab of [page, other]) {
    await tab.goto(`${house.url}/campaigns/${draft.id}/edit?step=compose`)
    await expect(tab.getByRole('heading', { level: 1, name: 'Shared draft' })).toBeVisible()
  }
  const text = (tab: typeof page) => tab.getByRole('textbox', { name: 'Text', exact: true })
  await text(page).fill('From the first tab: {{code}}.')
  await page.getByRole('button', { name: 'Save draft' }).click()
  await expect(page.getByText(/^Saved /)).toBeVisible()

  await text(other).fill('From the second tab: {{code}}.')
  await other.getByRole('button', { name: 'Save draft' }).click()
  const notice = other.getByRole('alert').filter({ hasText: 'This draft was saved elsewhere meanwhile' })
  await expect(notice).toBeVisible()
  await expect(text(other), 'what was typed stays').toHaveValue('From the second tab: {{code}}.')
  expect((await house.call('GET', `/v1/campaigns/${draft.id}`)).text).toBe('From the first tab: {{code}}.')

  await notice.getByRole('button', { name: 'Keep mine, on top of theirs' }).click()
  await expect(notice).toBeHidden()
  await expect.poll(async () => (await house.call('GET', `/v1/campaigns/${draft.id}`)).text).toBe('From the second tab: {{code}}.')
})
