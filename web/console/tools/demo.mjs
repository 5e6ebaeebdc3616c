// `overture demo` as the browser tools use it: a console with real data, and the people who may sign in.
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const binary = process.env.OVERTURE ?? join(import.meta.dirname, '../../../bin/overture')

/** @typedef {{ email: string, password: string }} Person */

/** The browser is the machine's own Chromium; its background traffic is off, because nothing may leave this machine. */
export const chromium = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}

/**
 * Starts a demo and waits until it has told its story.
 * @returns {Promise<{ url: string, key: string, people: Record<string, Person>, close: () => Promise<void> }>}
 */
export async function openDemo() {
  const child = spawn(binary, ['demo', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const close = async () => {
    child.kill('SIGTERM')
    await ended
  }
  let said = ''
  const told = new Promise((resolve, reject) => {
    child.stdout.on('data', (part) => {
      said += String(part)
      if (said.includes('Ctrl-C')) resolve(undefined)
    })
    child.once('exit', () => reject(new Error(`the demo ended:\n${said}`)))
  })
  await told
  const url = /Open the console: +(\S+)/.exec(said)?.[1]
  const key = /OVERTURE_API_KEY=(\S+)/.exec(said)?.[1]
  if (!url || !key) throw new Error(`the demo did not say where it is:\n${said}`)
  /** @type {Record<string, Person>} */
  const people = {}
  for (const [, role, email, password] of said.matchAll(/^ {2}([a-z]+(?: manager)?) +(\S+@\S+) +(\S+)$/gm))
    people[role] = { email, password }
  return { url, key, people, close }
}
