import { MantineProvider } from '@mantine/core'
import { fireEvent, render, screen } from '@testing-library/react'
import { expect, test, vi } from 'vitest'
import { WindowEditor } from './WindowEditor'
import type { Window } from './window'

function show(window: Window) {
  const set = vi.fn<(window: Window) => void>()
  render(
    <MantineProvider env="test">
      <WindowEditor value={window} onChange={set} error={() => undefined} editable />
    </MantineProvider>,
  )
  return set
}

test('an end at midnight is the end of the day, and half a time is not sent', () => {
  const set = show({ mon: ['08:00', '21:00'] })
  fireEvent.change(screen.getByLabelText('Monday until'), { target: { value: '00:00' } })
  expect(set).toHaveBeenLastCalledWith({ mon: ['08:00', '24:00'] })
  set.mockClear()
  fireEvent.change(screen.getByLabelText('Monday from'), { target: { value: '' } })
  expect(set).not.toHaveBeenCalled()
})

test('a week that is closed on every day is said, not saved', () => {
  const set = show({ mon: ['08:00', '21:00'] })
  fireEvent.click(screen.getByRole('checkbox', { name: 'Monday' }))
  expect(screen.getByRole('alert').textContent).toContain('Closed on every day')
  expect(set).not.toHaveBeenCalled()
  fireEvent.click(screen.getByRole('checkbox', { name: 'Tuesday' }))
  expect(set).toHaveBeenLastCalledWith({ tue: ['08:00', '21:00'] })
})
