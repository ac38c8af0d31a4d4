import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/testing/index.js'

const draw = (seed: number) => {
  const random = seededRandom(seed)
  return [random.next(), random.integer(1_000), random.fillId(), random.shortId()]
}

test('gives the same for the same seed, and something else for another', () => {
  expect(draw(7)).toEqual(draw(7))
  const firsts = Array.from({ length: 1_000 }, (_, seed) => draw(seed)[0])
  expect(new Set(firsts).size).toBe(1_000)
})

test('makes ids of the length and alphabet that the wire form asks for', () => {
  const random = seededRandom(1)
  const ids = Array.from({ length: 2_000 }, () => random.fillId())
  expect(ids.every((id) => /^[\w-]{16}$/.test(id))).toBe(true)
  expect(new Set(ids).size).toBe(2_000)
  expect(random.shortId()).toMatch(/^[\w-]{8}$/)
})

test('spreads numbers evenly over [0, 1)', () => {
  const random = seededRandom(42)
  const buckets = new Array<number>(10).fill(0)
  for (let draws = 0; draws < 100_000; draws++) buckets[random.integer(10)]!++
  for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(400)
})
