import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, type FakeClock, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'

/**
 * What a caller waits for, without a stopwatch: the clock moves only when told, and a message to or from the shared tier
 * takes one millisecond of it. So the time of a call is the number of its messages in a row.
 */
const TRIP_MS = 2
const FILL_MS = 3
const CALLERS = 500
/** What S4-2 allows a response. */
const PROMISED_MS = 10

const row = definePolicy({ name: 'row', ttl: '1h', jitter: 0, tags: (key: number) => [`group-${key % 10}`] })

let clock: FakeClock
let caches: Cache[]
beforeEach(async () => {
  clock = fakeClock()
  const deliver = (): Promise<void> => sleep(TRIP_MS / 2)
  const server = createTwinServer({ clock, random: seededRandom(1), deliver })
  caches = [1, 2].map((seed) =>
    createCache({
      tiers: [memoryTier(), sharedTier({ server, pollInterval: '0ms' })],
      maxStaleness: '10s',
      clock,
      random: seededRandom(seed),
    }),
  )
  // The first look at the log, and at the namespace.
  for (const cache of caches) await waits(() => cache.get(row, -1))
})
afterEach(async () => {
  const closed = Promise.all(caches.map((cache) => cache.close()))
  await clock.advance(10_000)
  await closed
})

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => clock.setTimer(resolve, ms))
}

/** The longest that one of many callers at once waits; some ask for the same key. */
async function waits(call: (key: number) => Promise<unknown>, keys = CALLERS / 5): Promise<number> {
  const startMs = clock.now()
  let longestMs = 0
  const all = Promise.all(
    Array.from({ length: CALLERS }, async (_, caller) => {
      await call(caller % keys)
      longestMs = Math.max(longestMs, clock.now() - startMs)
    }),
  )
  await clock.advance(100)
  await all
  return longestMs
}

const fill = async (): Promise<number> => {
  await sleep(FILL_MS)
  return 1
}

describe(`each of ${CALLERS} callers at once`, () => {
  it('S4-2: waits for nothing where memory has the value', async () => {
    const [cache] = caches as [Cache]
    await waits((key) => cache.getOrFill(row, key, fill))
    expect(await waits((key) => cache.getOrFill(row, key, fill))).toBe(0)
  })

  it('S4-2: waits for one round trip where the shared tier has it', async () => {
    const [a, b] = caches as [Cache, Cache]
    await waits((key) => a.getOrFill(row, key, fill))
    expect(await waits((key) => b.getOrFill(row, key, fill))).toBe(TRIP_MS)
  })

  it('S4-2: waits for three round trips and its fill where nobody has it', async () => {
    const [cache] = caches as [Cache]
    expect(await waits((key) => cache.getOrFill(row, key, fill))).toBe(3 * TRIP_MS + FILL_MS)
  })

  it.each<[what: string, trips: number, call: (cache: Cache, key: number) => Promise<unknown>]>([
    ['a set', 3, (cache, key) => cache.set(row, key, 2)],
    ['a delete', 2, (cache, key) => cache.delete(row, key)],
    ['an invalidation by tag', 1, (cache, key) => cache.invalidate({ tags: [`group-${key}`] })],
    ['a batch', 1, (cache, key) => cache.getMany(row, [key, key + 1, key + 2])],
  ])('S4-2: waits for so many round trips: %s, %i', async (_what, trips, call) => {
    const [a, b] = caches as [Cache, Cache]
    await waits((key) => b.getOrFill(row, key, fill))
    expect(trips * TRIP_MS).toBeLessThan(PROMISED_MS)
    // Of several stores of one key at once only the last is kept: here each has its own.
    expect(await waits((key) => call(a, key), CALLERS)).toBe(trips * TRIP_MS)
  })
})
