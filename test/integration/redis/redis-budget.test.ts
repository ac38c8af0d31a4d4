import { Queue, Worker } from 'bullmq'
import { afterEach, expect, test } from 'vitest'
import { type CacheEvent, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { type RedisTierOptions, redisTier } from '../../../src/redis/index.js'
import { until } from '../../kit/until.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { NAMESPACE, openRedisTier, setEntries } from './open-redis-tier.ts'

const MB = 1024 ** 2
const JOBS = 200

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

async function start(args: readonly string[] = []): Promise<RedisServer> {
  const server = await startRedisServer({ args })
  ended.push(() => server.stop())
  return server
}

const reports = definePolicy({
  name: 'reports',
  ttl: '1h',
  fill: async (id: number) => ({ id, text: 'x'.repeat(10_000) }),
})

function cacheOver(server: RedisServer, options: Partial<RedisTierOptions> = {}) {
  const counts = { full: 0, failed: 0 }
  const client = server.client()
  const cache = createCache({
    name: 'test',
    tiers: [memoryTier({ maxBytes: '1mb' }), redisTier({ client, ...options })],
  })
  cache.on('*', (event: CacheEvent) => {
    if (event.type === 'not-stored' && event.cause === 'full') counts.full++
    if (event.type === 'tier-failed') counts.failed++
  })
  ended.push(() => cache.close())
  return { cache, counts, admin: client }
}

/** Fills in small groups, so that looks at the server find their turn. */
async function fillMany({ cache }: ReturnType<typeof cacheOver>, count: number, from = 0): Promise<void> {
  for (let id = from; id < from + count; id += 20) {
    const ids = Array.from({ length: 20 }, (_, index) => id + index)
    const values = await Promise.all(ids.map((one) => cache.getOrFill(reports, one)))
    expect(values.map((value) => value.id)).toEqual(ids)
  }
}

async function usedBytes(server: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await server.client().info('memory'))?.[1])
}

for (const policy of ['noeviction', 'allkeys-lru']) {
  test(`S2-1, S2-41, C7: jobs of a real queue stay untouched when the cache meets its limit beside it (${policy})`, async () => {
    const server = await start(['--maxmemory', '24mb', '--maxmemory-policy', policy])
    const connection = { host: '127.0.0.1', port: server.port, disconnectTimeout: 0 }
    const queue = new Queue('alerts', { connection, skipVersionCheck: true })
    queue.on('error', () => {})
    ended.push(() => queue.close())
    await queue.addBulk(
      Array.from({ length: JOBS }, (_, index) => ({ name: 'alert', data: { index, text: 'y'.repeat(2_000) } })),
    )
    const scene = cacheOver(server)
    // Half as much again as there is room for.
    await fillMany(scene, 3_600)
    expect(scene.counts.full).toBeGreaterThan(0)
    expect(scene.counts.failed).toBe(0)
    expect(await usedBytes(server)).toBeLessThan(24 * MB)
    expect(await server.client().info('stats')).toContain('evicted_keys:0')
    expect(await queue.getWaitingCount()).toBe(JOBS)
    const done = new Set<number>()
    const worker = new Worker('alerts', async (job) => void done.add(job.data.index as number), {
      connection,
      concurrency: 20,
    })
    worker.on('error', () => {})
    ended.push(() => worker.close())
    await until(() => done.size === JOBS, { what: 'every job', withinMs: 60_000 })
  })
}

test('stops at its own budget, on a server that has no limit, and goes on when there is room again', async () => {
  const server = await start()
  const scene = cacheOver(server, { maxBytes: '4mb' })
  const before = await usedBytes(server)
  await fillMany(scene, 1_000)
  expect(scene.counts.full).toBeGreaterThan(0)
  expect((await usedBytes(server)) - before).toBeLessThan(6 * MB)
  const stored = await scene.admin.dbsize()
  expect(stored).toBeGreaterThan(200)
  await scene.admin.flushall()
  await until(async () => {
    await scene.cache.getOrFill(reports, -1, { consistency: 'strict' })
    return (await scene.admin.keys('*reports*')).length > 0
  })
})

test('a set that is refused for want of room removes the old value, so that nobody reads it', async () => {
  const server = await start(['--maxmemory', '100mb'])
  const tier = openRedisTier(server.client(), { commandTimeout: '10s' })
  ended.push(() => tier.close())
  const key = `${NAMESPACE}|reports@1|one`
  const set = async (): Promise<string | undefined> =>
    (await setEntries(tier, NAMESPACE, [{ key, envelope: 'x'.repeat(100), keepMs: 60_000 }]))[0]
  expect(await set()).toBe('stored')
  const other = server.client()
  // Others take what is left until shortly above the high-water mark.
  for (let piece = 0; (await usedBytes(server)) < 92 * MB; piece++) {
    await other.set(`foreign:${piece}`, Buffer.alloc(MB))
  }
  await until(async () => (await set()) === 'full')
  expect((await tier.read(NAMESPACE, [key])).envelopes).toEqual([undefined])
})
