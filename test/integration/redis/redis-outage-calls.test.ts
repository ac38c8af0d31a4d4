import { afterEach, describe, expect, test } from 'vitest'
import { type Cache, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { type FakeClock, fakeClock } from '../../../src/testing/index.js'
import { until } from '../../kit/until.ts'
import { SINGLE } from '../../servers/clients.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'

/**
 * What callers of a cache see of an outage, with nothing configured for it. Redis and its client are real, the deadlines
 * are those of a clock that the test moves: how slow this machine is does not matter.
 */
const CALLS = 48
/** The first deadline, and what there is beside it. */
const COMMAND_TIMEOUT_MS = 250
const IN_TIME_MS = COMMAND_TIMEOUT_MS + 100

const row = definePolicy({ name: 'row', ttl: '10m', fill: async (key: string) => `filled ${key}` })
const keysOf = (name: string): string[] => Array.from({ length: CALLS }, (_, index) => `${name}-${index}`)

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

/** Calls of one moment; what each was answered, and after how long by the clock. */
async function callAll(
  cache: Cache,
  clock: FakeClock,
  keys: readonly string[],
): Promise<{ values: string[]; waits: number[] }> {
  const startedAt = clock.now()
  const waits: number[] = []
  const answers = keys.map(async (key) => {
    const value = await cache.getOrFill(row, key)
    waits.push(clock.now() - startedAt)
    return value
  })
  for (let turns = 0; turns < 20; turns++) await clock.settle()
  // In small steps, so that what was answered between two deadlines is seen there.
  for (let ms = 0; ms < 2_000 && waits.length < keys.length; ms += 10) await clock.advance(10)
  return { values: await Promise.all(answers), waits }
}

const OUTAGES: Record<string, (server: RedisServer) => Promise<void>> = {
  hangs: async (server) => {
    ended.push(await server.freeze())
  },
  'is killed': (server) => server.stop(),
}

describe.each(Object.entries(SINGLE))('with %s', (_name, connect) => {
  test.each(Object.entries(OUTAGES))(
    'S2-23: Redis %s: 48 of 48 cold calls are answered within the first deadline and 100 ms, later ones at once',
    async (how, breakDown) => {
      const server = await startRedisServer()
      ended.push(() => server.stop())
      const { client, close } = await connect(server.port)
      ended.push(close)
      const clock = fakeClock()
      const cache = createCache({ tiers: [memoryTier(), redisTier({ client })], clock })
      ended.push(async () => {
        const closed = cache.close()
        await clock.advance(20_000)
        await closed
      })
      const hot = keysOf('hot')
      await Promise.all(hot.map((key) => cache.getOrFill(row, key)))
      await until(() => cache.stats().staleness.syncedMsAgo !== undefined, { what: 'a look at the log' })

      await breakDown(server)
      const ofHot = await callAll(cache, clock, hot)
      expect(ofHot.values).toEqual(hot.map((key) => `filled ${key}`))
      expect(Math.max(...ofHot.waits)).toBe(0)

      const cold = keysOf('cold')
      const ofCold = await callAll(cache, clock, cold)
      expect(ofCold.values).toEqual(cold.map((key) => `filled ${key}`))
      expect(ofCold.waits.filter((ms) => ms <= IN_TIME_MS)).toHaveLength(CALLS)
      if (how === 'hangs') expect(Math.max(...ofCold.waits)).toBeGreaterThanOrEqual(COMMAND_TIMEOUT_MS)

      await clock.advance(1_000)
      const later = await callAll(cache, clock, keysOf('later'))
      expect(Math.max(...later.waits)).toBe(0)
      expect(cache.stats().fills).toBe(3 * CALLS)
    },
  )
})
