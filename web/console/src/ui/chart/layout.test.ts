import { expect, test } from 'vitest'
import { layoutOf } from './layout'

const most = (values: Parameters<typeof layoutOf>[0]) => layoutOf(values, 300, 300, 1).most

test('the axis reaches sums of stacked bars, single bars, and lines', () => {
  const bars = [
    [60, 10],
    [30, 50],
  ]
  expect(most({ bars, lines: [], stacked: true })).toBe(100)
  expect(most({ bars, lines: [], stacked: false })).toBe(60)
  expect(most({ bars, lines: [[0, 180]], stacked: true })).toBe(200)
  expect(most({ bars: [[]], lines: [], stacked: true })).toBe(1)
})

test('large numbers leave room for themselves, and the picture keeps its size', () => {
  const small = layoutOf({ bars: [[5]], lines: [], stacked: false }, 300, 300, 1)
  const large = layoutOf({ bars: [[5_000_000]], lines: [], stacked: false }, 300, 300, 2)
  expect(large.room.left).toBeGreaterThan(small.room.left)
  expect(large.room.left + large.room.width).toBe(small.room.left + small.room.width)
  expect(large.room.height).toBeLessThan(small.room.height)
})
