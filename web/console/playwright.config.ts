import { defineConfig, devices } from '@playwright/test'
import { chromium as launchOptions } from './tools/demo.mjs'

export default defineConfig({
  testDir: 'e2e',
  globalSetup: './e2e/demo.ts',
  workers: 2,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: 'list',
  use: { trace: 'retain-on-failure', launchOptions },
  projects: [
    { name: 'desktop', use: { ...devices['Desktop Chrome'], launchOptions } },
    { name: 'mobile', use: { ...devices['Pixel 7'], launchOptions } },
    { name: 'dark', use: { ...devices['Desktop Chrome'], colorScheme: 'dark', launchOptions } },
  ],
})
