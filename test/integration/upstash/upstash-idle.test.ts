import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Cache, createCache, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { type FakeClock, fakeClock, type RestProxy, startRestProxy } from '../../../src/testing/index.js'
import { upstashTier } from '../../../src/upstash/index.js'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { TOKEN } from './open-upstash-tier.ts'

const HOUR_MS = 3_600_000

let redis: RedisServer
let proxy: RestProxy
let clock: FakeClock
const caches: Cache[] = []
beforeAll(async () => {
  redis = await startRedisServer()
})
beforeEach(async () => {
  await redis.client().flushall()
  proxy = await startRestProxy({ redisUrl: redis.url, token: TOKEN })
  clock = fakeClock()
})
afterEach(async () => {
  for (const cache of caches.splice(0)) await cache.close()
  await proxy.close()
})
afterAll(() => redis.stop())

/** As one more function instance has it. Its deadlines stand still with the clock, so that a slow machine misses none. */
function openCache(): Cache {
  const cache = createCache({
    name: 'shop',
    tiers: [memoryTier(), upstashTier({ url: proxy.url, token: TOKEN })],
    ttl: '24h',
    maxStaleness: '2s',
    clock,
  })
  caches.push(cache)
  return cache
}

/** How many HTTP requests something takes. */
async function requestsOf(run: () => unknown): Promise<number> {
  const before = proxy.requests
  await run()
  return proxy.requests - before
}

test('sends nothing while nobody reads, and sets no timer', async () => {
  const cache = openCache()
  expect(await requestsOf(() => clock.advance(HOUR_MS))).toBe(0)
  await cache.getOrFill('k', () => 1)
  // One is the deadline of the last request, which is not taken back for every call; it sends nothing.
  await clock.advance(10_000)
  const timers = clock.pendingTimers
  expect(await requestsOf(() => clock.advance(24 * HOUR_MS))).toBe(0)
  expect(clock.pendingTimers).toBeLessThanOrEqual(timers)
})

test('asks nothing within the bound, and once after it, for all who read', async () => {
  const cache = openCache()
  await cache.getOrFill('k', () => 1)
  const readAll = () => Promise.all(Array.from({ length: 100 }, () => cache.getOrFill('k', () => 2)))
  expect(await requestsOf(readAll)).toBe(0)
  await clock.advance(2_001)
  expect(await requestsOf(readAll)).toBe(1)
  expect(await requestsOf(readAll)).toBe(0)
})

test('asks once after the machine was frozen, and keeps what it held', async () => {
  const cache = openCache()
  await cache.getOrFill('k', () => 1)
  clock.wallOffsetMs += HOUR_MS
  await clock.advance(1)
  expect(await requestsOf(async () => expect(await cache.getOrFill('k', () => 2)).toBe(1))).toBe(1)
})

test('learns by that one question of what was invalidated meanwhile', async () => {
  const [here, there] = [openCache(), openCache()]
  await here.getOrFill('k', () => 'old')
  await there.delete('k')
  clock.wallOffsetMs += HOUR_MS
  await clock.advance(1)
  expect(await here.getOrFill('k', () => 'new')).toBe('new')
})

test('reads of one turn share their requests', async () => {
  const cache = openCache()
  const ids = Array.from({ length: 64 }, (_, index) => index)
  await cache.getOrFill('first', () => 0)
  await Promise.all(ids.map((id) => cache.getOrFill(`warm-up ${id}`, () => id)))
  expect(await requestsOf(() => Promise.all(ids.map((id) => cache.getOrFill(id, () => id))))).toBeLessThanOrEqual(4)
})

test('a process over TCP and one over HTTP are one cache', async () => {
  const server = createCache({
    name: 'shop',
    tiers: [memoryTier(), redisTier({ client: redis.client(), commandTimeout: '60s' })],
    ttl: '24h',
    coordinate: { leaseMs: 600_000 },
    maxStaleness: '61s',
  })
  const instance = openCache()
  expect(await server.getOrFill('k', () => 'from the server')).toBe('from the server')
  expect(await instance.getOrFill('k', () => 'from the instance')).toBe('from the server')
  const receipt = await instance.delete('k')
  expect(await server.getOrFill('k', () => 'after', { after: receipt })).toBe('after')
  await server.clear()
  expect(await instance.getOrFill('k', () => 'cleared', { consistency: 'strict' })).toBe('cleared')
  await server.close()
})
