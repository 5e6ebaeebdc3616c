import { MantineProvider } from '@mantine/core'
import { render, screen } from '@testing-library/react'
import type { ReactNode } from 'react'
import { expect, test, vi } from 'vitest'
import type { Schemas } from '@/api/client'
import { Funnel } from './Funnel'

vi.mock('@tanstack/react-router', () => ({ Link: ({ children }: { children: ReactNode }) => <a href="#list">{children}</a> }))

function show(more: Partial<Schemas['Progress']>) {
  const none = { queued: 0, attempting: 0, unknown: 0, failed: 0, undelivered: 0, suppressed: 0, expired: 0, canceled: 0 }
  const progress = {
    recipients: 200,
    accepted: 190,
    delivered: 180,
    replied: 0,
    opted_out: 0,
    held: 0,
    resent_without_proof: 0,
    counts: none,
    ...more,
  }
  return render(
    <MantineProvider env="test">
      <Funnel campaign="cmp_1" progress={progress as unknown as Schemas['Progress']} />
    </MantineProvider>,
  )
}

test('what may arrive twice is said, with how many', () => {
  show({ resent_without_proof: 3 })
  expect(screen.getByText('May arrive twice').closest('li')?.textContent).toContain('3 (1.5%)')
})

test('nothing is said of it when nothing was sent again', () => {
  show({ held: 2 })
  expect(screen.getByText('Held')).toBeTruthy()
  expect(screen.queryByText('May arrive twice')).toBeNull()
})
