import type { Page } from '@playwright/test'
import { expect, House, quiet as test } from './house'

// What somebody does on the first day, by eyes and hands: names and roles only, nothing is prepared behind the console.

const list = [
  'phone,code',
  '+12125550101,A-1',
  '+12125550102,A-2',
  '+12125550103,A-3',
  '2125550104,A-4',
  '+1212555O105,A-5',
  '+12125550101,A-6',
]

test('from an empty server to answers: set up, compose, repair, forecast, launch, answer, stop', async ({ page }) => {
  test.setTimeout(240_000)
  const house = new House()
  await house.open()
  try {
    await setUp(page, house)
    await makeSender(page)
    await compose(page, house)
    await recipients(page)
    await schedule(page)
    await launch(page)
    await answers(page, house)
  } finally {
    await house.close()
  }
})

const heading = (page: Page, name: string) => expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
const step = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Steps of the campaign' }).getByRole('link', { name }).click()

async function setUp(page: Page, house: House): Promise<void> {
  await page.goto(house.setUpLink)
  await heading(page, 'Set up Overture')
  await page.getByRole('textbox', { name: 'Name of the account' }).fill('Harbor Coffee')
  await page.getByRole('textbox', { name: 'Your name' }).fill('Ada Example')
  await page.getByRole('textbox', { name: 'Your e-mail address' }).fill('ada@example.com')
  await page
    .getByLabel(/^Password/)
    .first()
    .fill('correct horse battery')
  await page.getByRole('button', { name: 'Make the account and sign in' }).click()
  await heading(page, 'Campaigns')
}

async function makeSender(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Look at the virtual phones' }).click()
  await heading(page, 'Virtual phones')
  await page.getByRole('button', { name: 'Make a sender at the lab' }).click()
  await expect(page.getByRole('button', { name: 'Add a phone' })).toBeVisible()
}

async function compose(page: Page, house: House): Promise<void> {
  await page.goto(`${house.url}/campaigns`)
  await heading(page, 'Campaigns')
  await page.getByRole('button', { name: 'New campaign' }).first().click()
  const dialog = page.getByRole('dialog', { name: 'New campaign' })
  await dialog.getByRole('textbox', { name: 'Name' }).fill('First coffee')
  await dialog.getByRole('textbox', { name: 'Skill that gets the answers' }).fill('Sales')
  await dialog.getByRole('button', { name: 'Make the draft' }).click()
  await heading(page, 'First coffee')
  await page.getByRole('textbox', { name: 'Text', exact: true }).fill('Your first coffee is free with {{code}}. Coming?')
  await expect(page.getByText(/^Saved /)).toBeVisible()
}

async function recipients(page: Page): Promise<void> {
  await step(page, 'Recipients')
  const chosen = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Choose a file' }).click()
  await (await chosen).setFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(`${list.join('\n')}\n`) })
  await expect(page.getByRole('heading', { name: '3 rows to put right' })).toBeVisible()

  const bad = page.getByRole('region', { name: 'Not a phone number' })
  await bad.getByRole('textbox', { name: /New value of .* in row/ }).fill('+12125550105')
  await bad.getByRole('button', { name: 'Check' }).click()
  await expect(bad).toBeHidden()
  const short = page.getByRole('region', { name: 'Country code is missing' })
  await short.getByRole('combobox', { name: 'Country code' }).fill('+1')
  await short.getByRole('button', { name: 'Put it before these numbers' }).click()
  await expect(short).toBeHidden()
  const twice = page.getByRole('region', { name: 'Number is there twice' })
  await twice.getByRole('button', { name: 'Skip this row' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Skip this row' }).click()
  await expect(page.getByRole('heading', { name: '5 recipients' })).toBeVisible()
}

async function schedule(page: Page): Promise<void> {
  await step(page, 'Schedule')
  // Whoever runs this at night would wait for the morning of New York.
  await page.getByRole('textbox', { name: 'Monday from' }).or(page.getByLabel('Monday from')).fill('00:00')
  await page.getByLabel('Monday until').fill('00:00')
  await page.getByRole('button', { name: 'All open days like Monday' }).click()
  for (const day of ['Saturday', 'Sunday']) {
    const open = page.getByRole('checkbox', { name: day })
    if (!(await open.isChecked())) await open.check()
  }
  await page.getByRole('button', { name: 'All open days like Monday' }).click()
  await expect(page.getByText('all day')).toHaveCount(7)
  const forecast = page.getByRole('region', { name: 'Forecast' })
  await expect(forecast.getByText(/^Made at /)).toBeVisible()
}

async function launch(page: Page): Promise<void> {
  await step(page, 'Review')
  const go = page.getByRole('button', { name: 'Launch to 5 people' })
  await expect(go).toBeDisabled()
  const consent = page.getByRole('checkbox', { name: /I am responsible for the opt-in consent/ })
  await expect(consent).not.toBeChecked()
  await consent.check()
  await go.click()
  await heading(page, 'First coffee')
  await expect(page.getByRole('region', { name: 'Progress' }).getByText('5 of 5 have ended (100%)')).toBeVisible({ timeout: 60_000 })
}

async function answers(page: Page, house: House): Promise<void> {
  const funnel = page.getByRole('region', { name: 'From list to answer' })
  const figure = (name: string) => funnel.getByRole('listitem').filter({ has: page.getByRole('link', { name, exact: true }) })
  await expect(figure('Delivered')).toContainText('5 (100%)')
  await expect(figure('Answered')).toContainText('0 (0%)')

  const phones = await page.context().newPage()
  await phones.goto(`${house.url}/phones?phones=12125550102,12125550103`)
  await heading(phones, 'Virtual phones')
  const phone = (number: string) => phones.getByRole('region', { name: `Phone ${number}` })
  const first = phone('+12125550102')
  await expect(first.getByText(/Your first coffee is free with A-2/)).toBeVisible()
  await first.getByRole('textbox', { name: 'Write as this person' }).fill('Yes, with milk please')
  await first.getByRole('button', { name: 'Send' }).click()
  await expect(first.getByText('Yes, with milk please')).toBeVisible()
  const second = phone('+12125550103')
  await second.getByRole('button', { name: 'STOP' }).click()
  await expect(second.getByText('Has stopped this number')).toBeVisible()

  // The page that was open all the time.
  await expect(figure('Answered')).toContainText('2 (40%)')
  await expect(figure('Stopped in answer')).toContainText('1 (20%)')
  await phones.close()

  await page.goto(`${house.url}/opt-outs`)
  await heading(page, 'Opt-outs')
  await expect(page.getByText('+12125550103').first()).toBeVisible()

  await page.goto(`${house.url}/campaigns`)
  await heading(page, 'Campaigns')
  await expect(page.getByText('5 / 5')).toBeVisible()
  await expect(page.getByText('2 / 5')).toBeVisible()
}
