import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, expect, type Page } from '@playwright/test'

const binary = process.env.OVERTURE ?? join(import.meta.dirname, '../../../bin/overture')

/** The server and its carrier lab as processes of their own, on an empty database. */
export class House {
  readonly dir = mkdtempSync(join(tmpdir(), 'overture-browser-'))
  url = ''
  labURL = ''
  /** The line with the set-up code, as the server printed it at its first start. */
  setUpLink = ''
  private cookie = ''
  private furnished: Promise<Furniture> | undefined
  private server: ChildProcess | undefined
  private lab: ChildProcess | undefined

  async open(): Promise<void> {
    this.lab = run(['lab', '--open', '--seed', '1', '--listen', '127.0.0.1:0'], (line) => {
      this.labURL ||= /^lab listens on (\S+)/.exec(line)?.[1] ?? ''
    })
    await expect.poll(() => this.labURL, { timeout: 20_000, message: 'the lab says where it listens' }).toBeTruthy()
    await this.start()
  }

  async start(): Promise<void> {
    // As short as the lab allows, so that doubts of a killed server are settled within seconds.
    const waits = {
      'client-timeout': '2s',
      'send-deadline': '2s',
      'provider-delay': '1s',
      grace: '5s',
      'lookup-spacing': '1s',
      'lease-ttl': '2s',
    }
    const flags = ['--lab-url', this.labURL, ...Object.entries(waits).flatMap(([name, value]) => [`--${name}`, value])]
    let said = ''
    const listen = this.url ? new URL(this.url).host : '127.0.0.1:0' // a later start takes the place of the first
    this.server = run(['serve', '--lab', '--data-dir', join(this.dir, 'data'), '--listen', listen, ...flags], (line) => {
      const link = /https?:\/\/\S+\/setup#code=\S+/.exec(line)
      if (link) this.setUpLink = link[0]
      said = `${said}${line}\n`
    })
    await expect
      .poll(() => this.setUpLink || said, { timeout: 20_000, message: 'the link of the first start' })
      .toMatch(/\/setup#code=\S+$/)
    this.url = new URL(this.setUpLink).origin
    const ready = async () => (await fetch(`${this.url}/readyz`).catch(() => undefined))?.status ?? said
    await expect.poll(ready, { timeout: 20_000 }).toBe(200)
  }

  /** The account, its administrator, a sender at the lab and a skill, made over the API on the first call. */
  furniture(): Promise<Furniture> {
    this.furnished ??= this.furnish()
    return this.furnished
  }

  private async furnish(): Promise<Furniture> {
    const admin = { name: 'Ada Example', email: 'ada@example.com', password: 'correct horse battery' }
    const code = new URLSearchParams(new URL(this.setUpLink).hash.slice(1)).get('code')
    await this.call('POST', '/v1/server/setup', { code, account: 'Harbor Coffee', brand: 'Harbor Coffee', ...admin })
    const sender = await this.call('POST', '/v1/lab/sender', {})
    const skill = await this.call('POST', '/v1/skills', { name: 'Sales' })
    return { admin, sender: sender.id, skill: skill.id }
  }

  async user(role: string): Promise<Person> {
    await this.furniture()
    const person = { name: `Demo ${role}`, email: `${role}-${Date.now()}@example.com`, password: 'correct horse battery' }
    await this.call('POST', '/v1/users', { ...person, role })
    return person
  }

  /** A draft with a list, open at every hour; launched on demand. */
  async campaign(name: string, people: number, rate: number): Promise<{ id: string; launch: () => Promise<void> }> {
    const { sender, skill } = await this.furniture()
    const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
    const window = Object.fromEntries(days.map((day) => [day, ['00:00', '24:00']]))
    const { id } = await this.call('POST', '/v1/campaigns', { name, sender, skill, rate, window, text: 'Your code is {{code}}.' })
    const rows = numbers(people).map((number, i) => `${number},C-${i}`)
    await this.call('POST', `/v1/campaigns/${id}/recipients/csv?file_name=people.csv`, `phone,code\n${rows.join('\n')}\n`)
    return { id, launch: () => this.call('POST', `/v1/campaigns/${id}/launch`, { consent: true }) }
  }

  /** A campaign of the same sender that is launched and over. */
  async goesOut(name: string): Promise<void> {
    const { id, launch } = await this.campaign(name, 8, 8)
    await launch()
    await expect.poll(async () => (await this.call('GET', `/v1/campaigns/${id}`)).state, { timeout: 40_000 }).toBe('completed')
  }

  /** Calls the API as the administrator. A text goes as CSV. */
  // biome-ignore lint/suspicious/noExplicitAny: what comes back is looked at by the test that asked
  async call(method: string, path: string, body?: object | string): Promise<any> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { Cookie: this.cookie, 'Content-Type': typeof body === 'string' ? 'text/csv' : 'application/json' },
      body: typeof body === 'object' ? JSON.stringify(body) : body,
    })
    const session = answer.headers.getSetCookie().find((c) => c.startsWith('overture_session='))
    if (session && !this.cookie) this.cookie = session.split(';')[0] ?? ''
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }

  /** What the carrier's own ledger says. */
  async taken(): Promise<{ people: number; messages: number }> {
    const ledger = await (await fetch(`${this.labURL}/lab/ledger?format=ndjson`)).text()
    const to = ledger
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).to)
    return { people: new Set(to).size, messages: to.length }
  }

  /** Signs the page's browser in without the sign-in page. */
  async enter(page: Page, person: Person): Promise<void> {
    const answer = await page.request.post(`${this.url}/v1/session`, { data: { email: person.email, password: person.password } })
    expect(answer.ok()).toBe(true)
  }

  /** Without mercy: what a power cut does. */
  async kill(): Promise<void> {
    await end(this.server, 'SIGKILL')
  }

  async close(): Promise<void> {
    await end(this.server, 'SIGTERM')
    await end(this.lab, 'SIGTERM')
    rmSync(this.dir, { recursive: true, force: true })
  }
}

export type Person = { name: string; email: string; password: string }
type Furniture = { admin: Person; sender: string; skill: string }

/** Numbers reserved for fiction: a hundred in each area. */
function numbers(n: number): string[] {
  const areas = ['212', '305', '312', '214', '303', '415', '604', '416']
  return Array.from({ length: n }, (_, i) => `+1${areas[Math.floor(i / 100)]}55501${String(i % 100).padStart(2, '0')}`)
}

function run(args: string[], line: (text: string) => void): ChildProcess {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.on('data', (part) => {
      const lines = (rest + String(part)).split('\n')
      rest = lines.pop() ?? ''
      for (const text of lines) line(text)
    })
  }
  return child
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await gone
}

/** Pages that log an error or break the content policy fail their test, in whichever tab. */
export const quiet = base.extend<object>({
  context: async ({ context }, use) => {
    const errors: string[] = []
    context.on('console', (message) => message.type() === 'error' && !expected(message.text()) && errors.push(message.text()))
    context.on('weberror', (error) => errors.push(error.error().message))
    context.on('response', (answer) => {
      const policy = answer.headers()['content-security-policy'] ?? ''
      if (answer.request().isNavigationRequest() && (!policy.includes("script-src 'self'") || policy.includes('unsafe')))
        errors.push(`${answer.url()} came with the content policy ${policy || 'of nobody'}`)
    })
    await use(context)
    expect(errors, 'errors in the console of the browser').toEqual([])
  },
})

/** A server and a lab of their own per worker. */
export const test = quiet.extend<object, { house: House }>({
  house: [
    // biome-ignore lint/correctness/noEmptyPattern: this is how a fixture says that it needs no other
    async ({}, use) => {
      const house = new House()
      await house.open()
      await use(house)
      await house.close()
    },
    { scope: 'worker', timeout: 60_000 },
  ],
})

/** The browser itself reports every answer that is not a success; tests that provoke one look at the page, not at the log. */
const expected = (text: string): boolean => /Failed to load resource|WebSocket connection to/.test(text)

export { expect }
