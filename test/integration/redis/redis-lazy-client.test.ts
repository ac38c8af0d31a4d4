import { Cluster, Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { type CacheEvent, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { until } from '../../kit/until.ts'
import { freePort } from '../../servers/free-port.ts'
import { startRedisCluster } from '../../servers/redis-cluster.ts'
import { startRedisServer } from '../../servers/redis-server.ts'

/** A client of ioredis that connects with its first command, and refuses what comes before it is connected. */
const LAZY = { lazyConnect: true, enableOfflineQueue: false } as const
const row = definePolicy({
  name: 'row',
  ttl: '60s',
  coordinate: { leaseMs: 90_000 },
  fill: async (_key: string) => 'value',
})

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

function cacheOver(client: Redis | Cluster) {
  client.on('error', () => {})
  ended.push(() => client.disconnect())
  const cache = createCache({
    name: 'test',
    tiers: [memoryTier(), redisTier({ client, commandTimeout: '10s', pollInterval: '0ms' })],
    maxStaleness: '60s',
  })
  const failures: CacheEvent[] = []
  cache.on('tier-failed', (event) => failures.push(event))
  ended.push(() => cache.close({ graceMs: 0 }))
  return { cache, failures }
}

test('the first call of a lazy client without a queue connects it, and waits for that', async () => {
  const server = await startRedisServer()
  ended.push(() => server.stop())
  const { cache, failures } = cacheOver(server.client(LAZY))
  expect(await cache.getOrFill(row, 'k', () => 'value')).toBe('value')
  expect(failures).toEqual([])
  expect(await server.client().keys('*d:{*')).toHaveLength(1)
  const invalidating = cacheOver(server.client(LAZY))
  await invalidating.cache.delete(row, 'k')
  expect(invalidating.failures).toEqual([])
  expect(await server.client().keys('*d:{*')).toEqual([])
})

test('so does that of a Cluster', async () => {
  const cluster = await startRedisCluster()
  ended.push(() => cluster.stop())
  const client = new Cluster([...cluster.rootNodes], { ...LAZY, redisOptions: { disconnectTimeout: 0 } })
  const { cache, failures } = cacheOver(client)
  await cache.delete(row, 'k')
  expect(await cache.getOrFill(row, 'k', () => 'value')).toBe('value')
  expect(failures).toEqual([])
})

test('without a server it fails at once and says so; when there is one it is used, and nobody has to do anything', async () => {
  const port = await freePort()
  const { cache, failures } = cacheOver(new Redis({ host: '127.0.0.1', port, ...LAZY, retryStrategy: () => 20 }))
  expect(await cache.getOrFill(row, 'k', () => 'alone')).toBe('alone')
  expect(failures.length).toBeGreaterThan(0)
  const server = await startRedisServer({ port })
  ended.push(() => server.stop())
  const isStored = async (): Promise<boolean> => {
    await cache.refresh(row, 'k')
    return (await server.client().keys('*d:{*')).length === 1
  }
  await until(isStored, { what: 'a value in Redis' })
})
