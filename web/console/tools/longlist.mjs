// Works through a list of a million people as a person would, and names every task that held up the page. Fails above 200 ms.
//   node longlist.mjs [--rows 1000000]     on a quiet machine: what else runs counts as the page's
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { chromium as browserType } from '@playwright/test'
import { chromium, openDemo } from './demo.mjs'
import { settled, signIn } from './session.mjs'

const most = 200
const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } })
const rows = Number(values.rows)
/** Digits that nobody has. */
const nobody = '99999999'
const say = (text) => process.stdout.write(`${text}\n`)

/** As the benchmarks make them: office code 555, which nobody has, in areas of one zone each. */
const areas = [201, 202, 203, 205, 206, 207, 209, 210, 212, 213, 214, 215, 216, 217, 218, 224, 225, 228, 229, 231, 234, 239, 240, 248, 251]
  .concat([252, 253, 254, 256, 260, 262, 267, 269, 276, 281, 301, 302, 303, 304, 305, 307, 309, 310, 312, 313, 314, 315, 316, 317, 318])
  .concat([319, 320, 321, 323, 325, 330, 331, 336, 337, 339, 347, 351, 352, 360, 361, 386, 401, 402, 404, 405, 406, 407, 408, 409, 410])
  .concat([412, 413, 414, 415, 417, 419, 424, 425, 430, 432, 434, 435, 440, 443, 469, 470, 475, 478, 479, 480, 484, 501, 502, 503, 504])
const numberOf = (i) => `+1${areas[i % areas.length]}555${String(Math.floor(i / areas.length)).padStart(4, '0')}`
if (rows > areas.length * 10_000) throw new Error(`at most ${areas.length * 10_000} rows`)

say('the demo tells its story …')
const demo = await openDemo()
const browser = await browserType.launch(chromium)
let slow = false
try {
  const campaign = await draft()
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  await context.addInitScript(watch)
  await signIn(demo, context)
  const page = await context.newPage()
  say(`load ${loadavg()[0].toFixed(1)}\nlongest  over 50 ms  what`)

  await work(page, 'wizard, recipients', `/campaigns/${campaign}/edit?step=recipients`, [])
  await call('POST', `/v1/campaigns/${campaign}/launch`, { consent: true })
  // Nothing is due for a month: what follows is the page's own work.
  await work(page, 'campaign, recipients', `/campaigns/${campaign}?tab=recipients`, [['filter by state', filter]])
  await page.setViewportSize({ width: 320, height: 700 })
  await cards(page, 'campaign, recipients at 320 px', `/campaigns/${campaign}?tab=recipients`)
} finally {
  await browser.close()
  await demo.close()
}
process.exit(slow ? 1 : 0)

/** A draft with the whole list, to be launched in a month. */
async function draft() {
  const of = async (path) => (await call('GET', path)).items[0].id
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
  const { id } = await call('POST', '/v1/campaigns', {
    name: 'Everybody',
    sender: await of('/v1/senders'),
    skill: await of('/v1/skills'),
    text: 'Your code is {{code}}. It is good until Sunday, in every shop.',
    launch_at: new Date(Date.now() + 30 * 86_400_000).toISOString(),
    window: Object.fromEntries(days.map((day) => [day, ['00:00', '24:00']])),
  })
  const began = Date.now()
  const lines = Array.from({ length: rows }, (_, i) => `${numberOf(i)},C-${i}`)
  const { valid } = await call('POST', `/v1/campaigns/${id}/recipients/csv?file_name=everybody.csv`, `phone,code\n${lines.join('\n')}\n`)
  say(`${valid} recipients in ${((Date.now() - began) / 1000).toFixed(0)} s`)
  if (valid !== rows) throw new Error(`${valid} of ${rows} recipients are valid`)
  return id
}

async function call(method, path, body) {
  const answer = await fetch(demo.url + path, {
    method,
    headers: { Authorization: `Bearer ${demo.key}`, 'Content-Type': typeof body === 'string' ? 'text/csv' : 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

/** In the page: remembers long tasks, and what the content policy refused. */
function watch() {
  const seen = { tasks: /** @type {number[]} */ ([]), refused: /** @type {string[]} */ ([]) }
  Object.assign(globalThis, { overtureSeen: seen })
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) seen.tasks.push(Math.round(task.duration))
  }).observe({ type: 'longtask', buffered: true })
  addEventListener('securitypolicyviolation', (e) =>
    seen.refused.push(`${e.violatedDirective} ${e.sourceFile}:${e.lineNumber} ${e.sample}`),
  )
}

/** Goes through everything that can be done with a list as a table. */
async function work(page, name, path, more) {
  const region = page.locator('section[tabindex="0"]', { has: page.locator('table') }).last()
  const steps = [
    ['open', () => open(page, path, region.locator('tbody tr[aria-rowindex]').first())],
    ['wheel', () => wheel(page, region, 120, 700)],
    ['page down', () => press(page, region, 'PageDown', 60)],
    ['drag the scroll bar to its end, a hundred pages', () => drag(page, region, 100)],
    ['back to the beginning', () => press(page, region, 'Home', 1)],
    ['find a number', () => find(page, region, numberOf(rows - 7).slice(-9))],
    ['find some digits', () => find(page, region, '5550')],
    ['find nobody', () => find(page, region, nobody)],
    ['the whole list again', () => find(page, region, '')],
    ...more.map(([what, act]) => [what, () => act(page, region)]),
  ]
  for (const [what, act] of steps) await measured(page, `${name}: ${what}`, act)
}

/** And as cards, on a narrow screen. */
async function cards(page, name, path) {
  const list = page.locator('main ul[role="list"] > li')
  await measured(page, `${name}: open`, () => open(page, path, list.first()))
  await measured(page, `${name}: load more, ten times`, async () => {
    for (let i = 0; i < 10; i++) {
      const before = await list.count()
      await page.getByRole('button', { name: 'Load more' }).click()
      await list.nth(before).waitFor()
    }
  })
}

async function measured(page, name, act) {
  await act()
  await page.waitForTimeout(300) // a task is reported when it is over
  const { tasks, refused } = await page.evaluate(() => {
    const { tasks, refused } = globalThis.overtureSeen
    return { tasks: tasks.splice(0), refused: refused.splice(0) }
  })
  const longest = Math.max(0, ...tasks)
  slow ||= longest > most || refused.length > 0
  say(`${String(longest).padStart(4)} ms  ${String(tasks.length).padStart(10)}  ${name}${longest > most ? '  TOO LONG' : ''}`)
  for (const text of refused) say(`         refused by the content policy: ${text}`)
}

async function open(page, path, first) {
  await page.goto(demo.url + path)
  await settled(page)
  await first.waitFor()
}

async function wheel(page, region, turns, by) {
  await region.hover()
  for (let i = 0; i < turns; i++) {
    await page.mouse.wheel(0, by)
    await page.waitForTimeout(16)
  }
}

async function press(page, region, key, times) {
  await region.focus()
  for (let i = 0; i < times; i++) {
    await page.keyboard.press(key)
    await page.waitForTimeout(16)
  }
}

/** To the end of what has come, again and again: each time the next page is asked for. */
async function drag(page, region, pages) {
  for (let i = 0; i < pages; i++) {
    const before = await region.evaluate((r) => {
      r.scrollTop = r.scrollHeight
      return r.scrollHeight
    })
    await page.waitForFunction(([r, n]) => r.scrollHeight > n, [await region.elementHandle(), before], { timeout: 10_000 })
  }
}

async function find(page, region, digits) {
  await page.locator('[data-page-search]').fill(digits)
  await page.waitForTimeout(400) // the page waits for the end of typing
  await settled(page)
  if (digits !== nobody) await region.locator('tbody tr[aria-rowindex]').first().waitFor()
}

async function filter(page, region) {
  // The same state again takes the filter away.
  for (const state of ['Delivered', 'Waiting', 'Waiting']) {
    await page.getByRole('combobox', { name: 'Filter by state' }).click()
    await page.getByRole('option', { name: state, exact: true }).click()
    await page.waitForTimeout(300)
    await settled(page)
  }
  await region.locator('tbody tr[aria-rowindex]').first().waitFor()
}
