import { expect, test } from 'vitest'
import { barPaths, linePath, type Room } from './shapes'

const room: Room = { left: 10, top: 0, width: 100, height: 100 }

/** The bars of a path as left, top, width, height. */
const boxes = (path: string) => [...path.matchAll(/M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z/g)].map((m) => m.slice(1).map(Number))

test('stacked bars share a place, and what is above begins where the lower one ends', () => {
  const [lower, upper] = barPaths({
    values: [
      [50, 20],
      [25, 0],
    ],
    most: 100,
    room,
    stacked: true,
  }).map(boxes)
  expect(lower).toEqual([
    [21, 50, 28, 50],
    [71, 80, 28, 20],
  ])
  expect(upper, 'a pixel of background between, and nothing for nothing').toEqual([[21, 25, 28, 24]])
})

test('bars side by side stand on the ground and do not touch', () => {
  const [one = [], other = []] = barPaths({ values: [[50], [100]], most: 100, room, stacked: false }).map(boxes)
  expect(one).toEqual([[32, 50, 27, 50]])
  expect(other).toEqual([[60, 0, 27, 100]])
})

test('a year of days stays inside the room', () => {
  const days = Array.from({ length: 366 }, (_, i) => i % 7)
  const [bars = []] = barPaths({ values: [days], most: 6, room, stacked: true }).map(boxes)
  expect(bars).toHaveLength(days.filter((n) => n > 0).length)
  for (const [x = 0, y = 0, w = 0, h = 0] of bars) {
    expect(x).toBeGreaterThanOrEqual(9.5)
    expect(x + w).toBeLessThanOrEqual(110.6)
    expect(y + h).toBeCloseTo(100)
  }
})

test('a line goes through the middle of its columns', () => {
  expect(linePath([0, 100, 50], 100, { ...room, width: 90 })).toBe('M25 100L55 0L85 50')
})
