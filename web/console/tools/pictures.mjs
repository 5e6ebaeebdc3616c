// Makes the pictures of the README from the demo: make pictures
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { chromium as browserType } from '@playwright/test'
import { chromium, openDemo } from './demo.mjs'
import { pagesOf } from './routes.mjs'
import { settled, signIn } from './session.mjs'

const folder = join(import.meta.dirname, '../../../docs/pictures')
const most = 200 * 1024
const wide = { width: 1280, height: 800 }
const narrow = { width: 320, height: 640 }

/** File, page of routes.mjs, size, colour scheme. */
const pictures = /** @type {const} */ ([
  ['campaigns-light', 'campaigns', wide, 'light'],
  ['campaign-dark', 'campaign-overview', wide, 'dark'],
  ['schedule-light', 'schedule', wide, 'light'],
  ['analytics-dark', 'analytics', wide, 'dark'],
  ['campaigns-narrow', 'campaigns', narrow, 'light'],
  ['campaign-narrow-dark', 'campaign-overview', narrow, 'dark'],
  ['recipients-narrow', 'recipients', narrow, 'light'],
])

const say = (text) => process.stdout.write(`${text}\n`)
say('the demo tells its story …')
const demo = await openDemo()
const browser = await browserType.launch(chromium)
try {
  const pages = await pagesOf(demo)
  mkdirSync(folder, { recursive: true })
  for (const [file, name, viewport, colorScheme] of pictures) {
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' })
    await signIn(demo, context)
    const page = await context.newPage()
    const found = pages.find((p) => p.name === name)
    if (!found) throw new Error(`there is no page ${name}`)
    await page.goto(demo.url + found.path)
    await settled(page)
    const path = join(folder, `${file}.png`)
    await page.screenshot({ path })
    const size = statSync(path).size
    say(`${(size / 1024).toFixed(0).padStart(5)} KB  ${file}.png`)
    if (size > most) throw new Error(`${file}.png is larger than ${most / 1024} KB`)
    await context.close()
  }
} finally {
  await browser.close()
  await demo.close()
}
