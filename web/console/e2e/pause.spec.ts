import { expect, test } from './house'

test('pause with a reason, nothing goes, resume', async ({ page, house }) => {
  test.setTimeout(150_000)
  const { admin } = await house.furniture()
  const campaign = await house.campaign('Slow spring', 200, 4)
  await campaign.launch()
  await house.enter(page, admin)
  await page.goto(`${house.url}/campaigns/${campaign.id}`)
  await expect(page.getByRole('heading', { level: 1, name: 'Slow spring' })).toBeVisible()

  const progress = page.getByRole('region', { name: 'Progress' })
  await expect(progress.getByText(/^[1-9]\d* of 200 have ended/)).toBeVisible()
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Pause the campaign?' })
  await dialog.getByLabel('Reason').fill('The shop is closed today')
  await dialog.getByRole('button', { name: 'Pause', exact: true }).click()
  await expect(dialog).toBeHidden()
  await expect(progress.getByText(/The shop is closed today/)).toBeVisible()
  await expect(page.getByRole('button', { name: 'Resume', exact: true })).toBeVisible()

  const waiting = async () => (await house.call('GET', `/v1/campaigns/${campaign.id}/progress`)).counts.queued
  await house.goesOut('First beside it')
  const before = await waiting()
  expect(before).toBeGreaterThan(0)
  await house.goesOut('Second beside it')
  expect(await waiting(), 'nobody is taken while it is paused and others of the same sender are').toBe(before)

  await page.getByRole('button', { name: 'Resume', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Pause', exact: true })).toBeVisible()
  await expect.poll(waiting).toBeLessThan(before)
  await house.call('POST', `/v1/campaigns/${campaign.id}/cancel`, {})
  await expect(page.getByText('Canceled', { exact: true }).first()).toBeVisible()
})
