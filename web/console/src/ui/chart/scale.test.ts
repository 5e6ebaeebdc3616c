import { expect, test } from 'vitest'
import { columnAt, labelEvery, niceTicks, stackUp } from './scale'

test.each([
  [0, [0, 1]],
  [Number.NaN, [0, 1]],
  [1, [0, 1]],
  [3, [0, 1, 2, 3]],
  [7, [0, 2, 4, 6, 8]],
  [42, [0, 10, 20, 30, 40, 50]],
  [100, [0, 20, 40, 60, 80, 100]],
  [101, [0, 50, 100, 150]],
  [987_654, [0, 200_000, 400_000, 600_000, 800_000, 1_000_000]],
])('round values up to %s', (most, want) => {
  expect(niceTicks(most)).toEqual(want)
})

test('the ticks of any height are whole, even, few, and reach it', () => {
  for (let most = 1; most < 5_000_000; most = Math.ceil(most * 1.07)) {
    const ticks = niceTicks(most)
    const step = ticks[1] ?? 0
    expect(ticks.length).toBeLessThanOrEqual(7)
    expect(ticks.every((n, i) => Number.isInteger(n) && n === i * step)).toBe(true)
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(most)
    expect((ticks.at(-1) ?? 0) - step).toBeLessThan(most)
  }
})

test('each pixel belongs to one column, also at the edges and beyond', () => {
  expect([-5, 0, 24.9, 25, 99.9, 100, 300].map((x) => columnAt(x, 4, 100))).toEqual([0, 0, 0, 1, 3, 3, 3])
})

test('parts of a bar stand on each other, and the smallest can be seen', () => {
  expect(stackUp([100, 0, 50], 0.5)).toEqual([
    { from: 0, height: 50 },
    { from: 50, height: 0 },
    { from: 50, height: 25 },
  ])
  expect(stackUp([10_000, 1], 0.01)).toEqual([
    { from: 0, height: 100 },
    { from: 100, height: 2 },
  ])
})

test('labels keep their distance in steps that a clock knows', () => {
  expect(labelEvery(50, 80)).toBe(1)
  expect(labelEvery(50, 60)).toBe(1)
  expect(labelEvery(50, 59)).toBe(2)
  expect(labelEvery(50, 13)).toBe(6)
  expect(labelEvery(50, 2.4)).toBe(48)
})
