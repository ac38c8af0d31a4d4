import { afterEach, expect, test } from 'vitest'
import { FillTimes } from '../../../src/core/fill-times.js'
import { definePolicy, doctor, type Policy } from '../../../src/index.js'
import { type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

let open: TwinCaches | undefined
afterEach(async () => {
  await open?.close()
  open = undefined
})

const coordinate = { pollMinMs: 10, pollMaxMs: 50, waitMs: 200, leaseMs: 5_000 }
const policy = (name: string, rules: object | false = {}) =>
  definePolicy({ name, ttl: '60s', coordinate: rules && { ...coordinate, ...rules } })

test('warns of a policy whose followers give up before one fill in a hundred ends', async () => {
  open = twinCaches(1)
  const { clock, caches } = open
  const cache = caches[0]!
  const fill = async (one: Policy<string>, key: string, tookMs: number): Promise<void> => {
    const answer = cache.getOrFill(one, key, () => new Promise((resolve) => clock.setTimer(() => resolve(1), tookMs)))
    await clock.advance(tookMs)
    await answer
  }
  const [slow, impatient, quick] = [policy('slow'), policy('impatient', { onTimeout: 'throw' }), policy('quick')]
  const [alone, rare] = [policy('alone', false), policy('rare')]
  for (let times = 0; times < 10; times++) {
    const key = String(times)
    await fill(slow, key, times === 3 ? 1_500 : 20)
    await fill(impatient, key, 300)
    await fill(quick, key, 150)
    // Nobody waits for it.
    await fill(alone, key, 1_500)
  }
  await fill(rare, 'once', 1_500)
  const { findings } = await doctor(cache)
  const told = findings
    .filter(({ topic }) => topic === 'patience')
    .map(({ level, says, means }) => [level, says, means])
  expect(told).toEqual([
    [
      'look',
      "policy 'slow': P99 of 10 fills 1500 ms, followers wait 200 ms",
      expect.stringContaining('fill once more'),
    ],
    ['look', "policy 'impatient': P99 of 10 fills 300 ms, followers wait 200 ms", expect.stringContaining('reject')],
    ['good', "policy 'quick': P99 of 10 fills 150 ms, followers wait 200 ms", expect.any(String)],
  ])
})

test('a percentile forgets what was long ago, and allows one of a hundred', () => {
  const times = new FillTimes()
  expect(times.p99Ms).toBe(0)
  for (let ms = 100; ms > 0; ms--) times.add(ms)
  expect([times.count, times.p99Ms]).toEqual([100, 99])
  for (let fill = 0; fill < 256; fill++) times.add(5)
  expect([times.count, times.p99Ms]).toEqual([256, 5])
})
