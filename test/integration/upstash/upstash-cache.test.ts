import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Cache, type CacheOptions, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { ACQUIRE } from '../../../src/redis-protocol/scripts/acquire.js'
import { type RestProxy, startRestProxy } from '../../../src/testing/index.js'
import { type UpstashRequestInit, type UpstashTierOptions, upstashTier } from '../../../src/upstash/index.js'
import { deferred } from '../../kit/twin-caches.ts'
import { until } from '../../kit/until.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { TOKEN } from './open-upstash-tier.ts'

/** A lease and waits that a slow machine does not outlast. */
const coordinate = { leaseMs: 600_000, waitMs: 120_000, pollMinMs: 5, pollMaxMs: 50 } as const
const counts = definePolicy({ name: 'counts', ttl: '1h', coordinate })
const tagged = definePolicy({ name: 'tagged', ttl: '1h', coordinate, tags: () => ['t'] })

let redis: RedisServer
let proxy: RestProxy
const caches: Cache[] = []
/** Every request that a cache has sent. */
let sent: { url: string; method: string; commands: string[][] }[] = []
beforeAll(async () => {
  redis = await startRedisServer()
})
beforeEach(async () => {
  await redis.client().flushall()
  proxy = await startRestProxy({ redisUrl: redis.url, token: TOKEN })
  sent = []
})
afterEach(async () => {
  for (const cache of caches.splice(0)) await cache.close()
  await proxy.close()
})
afterAll(() => redis.stop())

/** As one more process has it. */
function openCache(tier: Partial<UpstashTierOptions> = {}, options: CacheOptions = {}): Cache {
  const shared = upstashTier({
    url: proxy.url,
    token: TOKEN,
    commandTimeout: '60s',
    fetch: (url, init) => {
      sent.push({ url, method: init.method, commands: JSON.parse(init.body) as string[][] })
      return fetch(url, init)
    },
    ...tier,
  })
  const cache = createCache({ name: 'feeds', tiers: [memoryTier(), shared], maxStaleness: '120s', ...options })
  caches.push(cache)
  return cache
}

const commandsSent = (): string[][] => sent.flatMap(({ commands }) => commands)
const leasesAsked = (): string[][] => commandsSent().filter(([, script]) => script === ACQUIRE.sha)

test('S1-3: a value of megabytes comes back as it was, in another process', async () => {
  const value = { text: 'ü"\\🧊\u0000'.repeat(120_000), rows: Array.from({ length: 20_000 }, (_, id) => ({ id })) }
  await openCache().set(counts, 'large', value)
  expect(await openCache().get(counts, 'large')).toEqual(value)
})

test('a server that answers plainly although base64 is asked for is understood as well', async () => {
  const plainly = {
    fetch: (url: string, { headers: { 'upstash-encoding': _, ...headers }, ...init }: UpstashRequestInit) =>
      fetch(url, { ...init, headers }),
  }
  await openCache(plainly).set(counts, 'k', 'grün 🧊')
  expect(await openCache(plainly).get(counts, 'k')).toBe('grün 🧊')
  expect(await openCache().get(counts, 'k')).toBe('grün 🧊')
})

test('S1-7: values and keys travel in bodies, never in addresses', async () => {
  const cache = openCache()
  await cache.getOrFill(counts, 'a key', () => 'a value')
  await cache.delete(counts, 'a key')
  await cache.invalidate({ tags: ['a tag'] })
  expect(new Set(sent.map(({ method, url }) => `${method} ${url}`))).toEqual(new Set([`POST ${proxy.url}/pipeline`]))
})

test('S1-8: a hit asks for no lease', async () => {
  await openCache().getOrFill(counts, 'k', () => 1)
  expect(leasesAsked()).not.toHaveLength(0)
  const other = openCache()
  sent = []
  for (let round = 0; round < 3; round++) expect(await other.getOrFill(counts, 'k', () => 2)).toBe(1)
  expect(leasesAsked()).toHaveLength(0)
})

test('S1-9: two prefixes have two leases for one key', async () => {
  const gate = deferred<void>()
  const reads = ['preview:', 'production:'].map((prefix) =>
    openCache({ prefix }).getOrFill(counts, 'k', async () => {
      await gate.promise
      return prefix
    }),
  )
  await until(async () => (await redis.client().keys('*:l:*')).length === 2, { what: 'two leases' })
  gate.resolve()
  expect(await Promise.all(reads)).toEqual(['preview:', 'production:'])
})

test('S1-10: a lease that another fill has taken meanwhile survives, and the late fill stores nothing', async () => {
  const gate = deferred<void>()
  const cache = openCache()
  const read = cache.getOrFill(counts, 'k', async () => {
    await gate.promise
    return 'late'
  })
  await until(async () => (await redis.client().keys('*:l:*')).length === 1, { what: 'the lease' })
  const [lease] = await redis.client().keys('*:l:*')
  await redis.client().set(lease!, 'another fill', 'PX', 600_000)
  gate.resolve()
  expect(await read).toBe('late')
  expect(await redis.client().get(lease!)).toBe('another fill')
  expect(await redis.client().keys('*:d:*')).toEqual([])
})

test('S1-22: where leases fail each process fills once, and nobody waits', async () => {
  const withoutLeases = {
    fetch: (url: string, init: RequestInit) => {
      const commands = JSON.parse(String(init.body)) as string[][]
      const isLease = commands.some(([, script]) => script === ACQUIRE.sha || script === ACQUIRE.lua)
      return isLease ? Promise.reject(new TypeError('fetch failed')) : fetch(url, init)
    },
  }
  let fills = 0
  const processes = [openCache(withoutLeases), openCache(withoutLeases)]
  const fill = () => ++fills
  const answers = await Promise.all(
    processes.flatMap((cache) => Array.from({ length: 20 }, () => cache.getOrFill(counts, 'k', fill))),
  )
  expect([fills, new Set(answers).size]).toEqual([2, 2])
})

test('S1-25: eight processes with fifty callers each fill once', async () => {
  const processes = Array.from({ length: 8 }, () => openCache())
  const gate = deferred<void>()
  let fills = 0
  const fill = async () => {
    fills++
    await gate.promise
    return 'value'
  }
  const answers = processes.flatMap((cache) => Array.from({ length: 50 }, () => cache.getOrFill(counts, 'k', fill)))
  // All others have come to wait behind the one lease.
  await until(() => leasesAsked().length >= 8, { what: 'eight who ask for the lease', withinMs: 60_000 })
  gate.resolve()
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['value']))
  expect(fills).toBe(1)
})

describe('an invalidation that is acknowledged while a fill is under way', () => {
  test.each<[string, (cache: Cache) => Promise<unknown>]>([
    ['of the key', (cache) => cache.delete(tagged, 'k')],
    ['of a tag', (cache) => cache.invalidate({ tags: ['t'] })],
    ['of everything', (cache) => cache.clear()],
  ])('R1: %s is not undone by it', async (_what, invalidate) => {
    const [here, there] = [openCache(), openCache()]
    const [started, gate] = [deferred<void>(), deferred<void>()]
    const late = here.getOrFill(tagged, 'k', async () => {
      started.resolve()
      await gate.promise
      return 'old'
    })
    await started.promise
    await invalidate(there)
    gate.resolve()
    expect(await late).toBe('old')
    expect(await there.getOrFill(tagged, 'k', () => 'new')).toBe('new')
    expect(await here.getOrFill(tagged, 'k', () => 'newer', { consistency: 'strict' })).toBe('new')
  })
})
