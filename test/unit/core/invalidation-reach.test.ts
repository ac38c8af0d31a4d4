import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'

/** How far an invalidation reaches, and how soon: three processes, and each message 50 ms on its way. */
const WAY_MS = 50
const WITHIN_MS = 500

const clock = fakeClock()
const timings = { ttl: '60s', jitter: 0 } as const
const counts = definePolicy({ name: 'unit-counts', ...timings, tags: () => ['units'] })
const stats = definePolicy({ name: 'stats', ...timings, tags: () => ['units', 'alerts'] })
const trend = definePolicy({ name: 'trend', ...timings, tags: (unit: string) => [`unit:${unit}`] })

let caches: Cache[] = []
afterEach(async () => {
  const closed = Promise.all(caches.map((cache) => cache.close()))
  await clock.advance(10_000)
  await closed
  expect(clock.pendingTimers).toBe(0)
})

function threeProcesses(): Cache[] {
  const deliver = (): Promise<void> => new Promise((resolve) => void clock.setTimer(resolve, WAY_MS))
  const server = createTwinServer({ clock, random: seededRandom(1), deliver })
  caches = Array.from({ length: 3 }, (_, index) =>
    createCache({ tiers: [memoryTier(), sharedTier({ server })], clock, random: seededRandom(index) }),
  )
  return caches
}

async function afterAWhile<T>(promise: Promise<T>): Promise<T> {
  await clock.advance(1_000)
  return promise
}

describe('an invalidation in one process', () => {
  it(`S2-48: from the write on nobody is answered the old value for ${WITHIN_MS} ms, of a ttl of 60 s`, async () => {
    const [writer, ...others] = threeProcesses()
    let version = 1
    const load = (): number => version
    for (const cache of [writer!, ...others]) await afterAWhile(cache.getOrFill(counts, 'all', load))

    const writtenAt = clock.now()
    version = 2
    const acknowledged = writer!.invalidate({ tags: ['units'] })
    const answers: { value: number; afterMs: number }[] = []
    for (let ms = 0; ms < 2 * WITHIN_MS; ms += 10) {
      for (const cache of others) {
        void cache
          .getOrFill(counts, 'all', load)
          .then((value) => answers.push({ value, afterMs: clock.now() - writtenAt }))
      }
      await clock.advance(10)
    }
    await afterAWhile(acknowledged)
    const oldest = Math.max(...answers.filter(({ value }) => value === 1).map(({ afterMs }) => afterMs))
    const newest = Math.min(...answers.filter(({ value }) => value === 2).map(({ afterMs }) => afterMs))
    expect([oldest > 0, oldest < WITHIN_MS, newest < WITHIN_MS]).toEqual([true, true, true])
    expect(answers).toHaveLength((2 * WITHIN_MS * others.length) / 10)
  })

  it.each<[what: string, invalidate: (org: Cache) => Promise<unknown>, gone: string[]]>([
    ['of one query', (org) => org.invalidate({ entries: [[counts, 'all']] }), ['counts']],
    ['of one unit', (org) => org.invalidate({ tags: ['unit:7'] }), ['trend of 7']],
    ['of one query of one unit', (org) => org.delete(trend, '9'), ['trend of 9']],
    ['of all queries about units', (org) => org.invalidate({ tags: ['units'] }), ['counts', 'stats']],
    ['of everything', (org) => org.clear(), ['counts', 'stats', 'trend of 7', 'trend of 9']],
  ])('S2-13: %s reaches that in every process, and leaves the rest', async (_what, invalidate, gone) => {
    const everywhere = threeProcesses()
    const held = {
      counts: [counts, 'all'],
      stats: [stats, 'all'],
      'trend of 7': [trend, '7'],
      'trend of 9': [trend, '9'],
    } as const
    for (const cache of everywhere) {
      for (const [policy, key] of Object.values(held)) await afterAWhile(cache.getOrFill(policy, key, () => 'held'))
    }
    await afterAWhile(invalidate(everywhere[0]!))
    for (const cache of everywhere) {
      const missing: string[] = []
      for (const [name, [policy, key]] of Object.entries(held)) {
        if ((await afterAWhile(cache.get(policy, key))) === undefined) missing.push(name)
      }
      expect(missing).toEqual(gone)
    }
  })
})
