import { MantineProvider } from '@mantine/core'
import { fireEvent, render, screen } from '@testing-library/react'
import { createRef } from 'react'
import { expect, test } from 'vitest'
import type { Schemas } from '@/api/client'
import { handle } from '../testdraft'
import { Offender } from './Offender'

const measure = (more: Partial<Schemas['Measure']>): Schemas['Measure'] => ({
  text: '',
  characters: 0,
  encoding: 'UCS-2',
  units: 0,
  segments: 1,
  offender_at: 0,
  limit: 140,
  reserved: 9,
  available: 0,
  length_policy: 'warn',
  allowed: true,
  variables: [],
  ...more,
})

function show(text: string, more: Partial<Schemas['Measure']>) {
  const draft = handle({ text })
  render(
    <MantineProvider env="test">
      <Offender draft={draft} measure={measure({ text, ...more })} editable input={createRef<HTMLTextAreaElement>()} />
    </MantineProvider>,
  )
  return draft.set
}

test('all characters of a kind become plain with one press', () => {
  const set = show('it’s that’s', { offender: '’', offender_at: 2, plain: "'" })
  fireEvent.click(screen.getByRole('button', { name: "Replace with plain '" }))
  expect(set).toHaveBeenCalledWith({ text: "it's that's" })
})

test('what has no look-alike can be taken out', () => {
  const set = show('Hi 🎉!', { offender: '🎉', offender_at: 3 })
  fireEvent.click(screen.getByRole('button', { name: 'Take it out' }))
  expect(set).toHaveBeenCalledWith({ text: 'Hi !' })
})
