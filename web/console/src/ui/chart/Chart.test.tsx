import { MantineProvider } from '@mantine/core'
import { fireEvent, render, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { Chart, type Row } from './Chart'

const series: Row[] = [
  { key: 'sent', name: 'Sent', color: 1 },
  { key: 'skipped', name: 'Skipped', color: 2, pattern: 'stripes' },
  { key: 'replied', name: 'Answered', color: 3, line: true },
]
const data = [
  { label: '8:00', sent: 1200, skipped: 30, replied: 4 },
  { label: '9:00', sent: 0, skipped: 0, replied: 7 },
]

function show(rows = data) {
  const { container } = render(
    <MantineProvider env="test">
      <Chart title="Hour by hour" series={series} data={rows} ticks={rows.map((d) => ({ text: d.label }))} stacked />
    </MantineProvider>,
  )
  return {
    container,
    plot: container.querySelector('.chart-plot') as Element,
    tip: () => container.querySelector('.chart-tip')?.textContent,
  }
}

test('the keyboard walks from column to column, hears its numbers, sees them, and can put them away', () => {
  const { tip } = show()
  const walk = screen.getByRole('slider', { name: 'Hour by hour, column by column' })
  expect(walk.getAttribute('aria-valuetext')).toBe('8:00: Sent 1,200, Skipped 30, Answered 4')
  expect(tip()).toBeUndefined()
  fireEvent.focus(walk)
  expect(tip()).toBe('8:00Sent1,200Skipped30Answered4')
  fireEvent.change(walk, { target: { value: '1' } })
  expect(walk.getAttribute('aria-valuetext')).toBe('9:00: Sent 0, Skipped 0, Answered 7')
  expect(tip()).toBe('9:00Sent0Skipped0Answered7')
  fireEvent.keyDown(walk, { key: 'Escape' })
  expect(tip()).toBeUndefined()
  fireEvent.focus(walk)
  fireEvent.blur(walk)
  expect(tip()).toBeUndefined()
})

test('a mouse shows the column it is over, a finger the one it taps, until it taps it again', () => {
  const { plot, tip } = show()
  fireEvent.pointerMove(plot, { clientX: 590, pointerType: 'mouse' })
  expect(tip()).toContain('9:00')
  fireEvent.pointerMove(plot, { clientX: 60, pointerType: 'mouse' })
  expect(tip()).toContain('8:00')
  fireEvent.pointerLeave(plot, { pointerType: 'mouse' })
  expect(tip()).toBeUndefined()
  fireEvent.pointerMove(plot, { clientX: 590, pointerType: 'touch' })
  expect(tip(), 'a finger that moves scrolls the page').toBeUndefined()
  fireEvent.pointerUp(plot, { clientX: 590, pointerType: 'touch' })
  fireEvent.pointerLeave(plot, { pointerType: 'touch' })
  expect(tip()).toContain('9:00')
  fireEvent.pointerUp(plot, { clientX: 590, pointerType: 'touch' })
  expect(tip()).toBeUndefined()
})

test('names stand beside the picture, and nothing needs an inline style', () => {
  const { container } = show()
  expect([...container.querySelectorAll('.chart-legend li')].map((li) => li.textContent)).toEqual(['Sent', 'Skipped', 'Answered'])
  expect(container.querySelectorAll('path[data-series]')).toHaveLength(3)
  expect(container.querySelectorAll('.chart-plot [style], .chart-plot[style], .chart-legend [style]')).toHaveLength(0)
})

test('nothing to show is an empty picture without a slider', () => {
  const { container } = show([])
  expect(screen.queryByRole('slider')).toBeNull()
  expect(container.innerHTML).not.toMatch(/NaN|Infinity/)
})
