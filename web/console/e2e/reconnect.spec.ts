import { expect, House, quiet as test } from './house'

test('the page survives a server that is killed in mid-campaign', async ({ page }) => {
  test.setTimeout(180_000)
  const house = new House()
  await house.open()
  try {
    const { admin } = await house.furniture()
    const campaign = await house.campaign('Interrupted', 150, 10)
    await campaign.launch()
    await house.enter(page, admin)
    await page.goto(`${house.url}/campaigns/${campaign.id}`)
    await expect(page.getByRole('heading', { level: 1, name: 'Interrupted' })).toBeVisible()
    const progress = page.getByRole('region', { name: 'Progress' })
    await expect(progress.getByText(/^[1-9]\d* of 150 have ended/)).toBeVisible()

    await house.kill()
    const live = page.getByRole('status')
    await expect(live.getByText('Connection lost. Trying again…')).toBeVisible()
    await expect(page.getByRole('heading', { level: 1, name: 'Interrupted' }), 'what was on the page stays').toBeVisible()

    await house.start()
    await expect(live.getByText('Connection lost. Trying again…')).toBeHidden({ timeout: 40_000 })
    await expect(progress.getByText('150 of 150 have ended (100%)'), 'without a reload').toBeVisible({ timeout: 60_000 })
    expect(await house.taken(), 'each person once').toEqual({ people: 150, messages: 150 })
  } finally {
    await house.close()
  }
})
