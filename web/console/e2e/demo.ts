import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@playwright/test'
import { openDemo } from '../tools/demo.mjs'
import { type Page as ConsolePage, pagesOf } from '../tools/routes.mjs'

export type Demo = { url: string; people: Record<string, { email: string; password: string }>; pages: ConsolePage[] }

const place = 'OVERTURE_BROWSER_DEMO'

/** Starts one demo for all tests that look at real data. The other tests run while it tells its story. */
export default function start(): () => Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'overture-browser-demo-'))
  process.env[place] = join(dir, 'demo.json')
  const opened = openDemo().then(
    async (demo) => {
      tell({ url: demo.url, people: demo.people, pages: await pagesOf(demo) })
      return demo
    },
    (error) => tell({ failed: String(error) }),
  )
  return async () => {
    const demo = await opened
    if (demo) await demo.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Whole or not at all: workers read it while it is written. */
function tell(what: object): undefined {
  const file = process.env[place] ?? ''
  writeFileSync(`${file}.new`, JSON.stringify(what))
  renameSync(`${file}.new`, file)
}

/** Waits for the demo; fails when it did not come to its end. */
export async function theDemo(): Promise<Demo> {
  let demo: (Demo & { failed?: string }) | undefined
  await expect
    .poll(
      () => {
        try {
          demo = JSON.parse(readFileSync(process.env[place] ?? '', 'utf8'))
        } catch {}
        return demo !== undefined
      },
      { timeout: 240_000, message: 'the demo tells its story' },
    )
    .toBe(true)
  if (!demo || demo.failed) throw new Error(demo?.failed ?? 'no demo')
  return demo
}
