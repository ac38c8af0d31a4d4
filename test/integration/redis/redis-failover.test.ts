import { afterEach, describe, expect, test } from 'vitest'
import { createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { slotOf } from '../../../src/redis-protocol/redis-slot.js'
import { until } from '../../kit/until.ts'
import { CLUSTER, SENTINEL } from '../../servers/clients.ts'
import { startRedisCluster } from '../../servers/redis-cluster.ts'
import { startSentinelGroup } from '../../servers/redis-sentinel.ts'
import { openRedisTier } from './open-redis-tier.ts'

const ended: (() => unknown)[] = []
const rejections: unknown[] = []
const onRejection = (reason: unknown): void => void rejections.push(reason)
process.on('unhandledRejection', onRejection)
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
  expect(rejections).toEqual([])
})

describe.each(Object.entries(SENTINEL))('a primary behind Sentinel that dies, over %s', (_name, connect) => {
  test('callers are answered throughout, and the cache follows to the new primary by itself', async () => {
    const group = await startSentinelGroup()
    ended.push(() => group.stop())
    const { client, close } = await connect(group)
    ended.push(close)
    const cache = createCache({
      name: 'test',
      tiers: [memoryTier(), redisTier({ client, breaker: { openTime: '100ms' } })],
    })
    ended.push(() => cache.close())
    let version = 1
    const units = definePolicy({ name: 'units', ttl: '60s', fill: async () => version })
    expect(await cache.getOrFill(units, 'all')).toBe(1)
    await group.primary.stop()
    version = 2
    // Whoever must know the truth gets it from a fill.
    expect(await cache.getOrFill(units, 'all', { consistency: 'strict' })).toBe(2)
    const isAcknowledged = (): Promise<boolean> =>
      cache.delete(units, 'all').then(
        () => true,
        () => false,
      )
    await until(isAcknowledged, { what: 'an acknowledged invalidation', withinMs: 60_000 })
    await until(async () => (await group.primaryPort()) === group.replica.port, { withinMs: 60_000 })
    version = 3
    await cache.delete(units, 'all')
    expect(await cache.getOrFill(units, 'all', { consistency: 'strict' })).toBe(3)
    const isStored = async (): Promise<boolean> => {
      await cache.delete(units, 'all')
      await cache.getOrFill(units, 'all')
      return (await group.replica.client().keys('*:d:*')).length === 1
    }
    await until(isStored, { what: 'an entry on the new primary', withinMs: 60_000 })
  })
})

describe.each(Object.entries(CLUSTER))('a node of a cluster that hangs, over %s', (_name, connect) => {
  test('is given up alone: what other nodes hold is read as before', async () => {
    const cluster = await startRedisCluster()
    ended.push(() => cluster.stop())
    const { client, close } = await connect(cluster)
    ended.push(close)
    const tier = openRedisTier(client, { commandTimeout: '250ms', breaker: { openTime: '50ms' } })
    ended.push(() => tier.close())
    const keys = Array.from({ length: 30 }, (_, index) => `5:org-7|units@1|${index}`)
    const isOnFirst = (key: string): boolean => cluster.ownerOf(slotOf(`{${key}}`)) === 0
    const [lost, safe] = [keys.filter(isOnFirst), keys.filter((key) => !isOnFirst(key))]
    const read = (key: string): Promise<string> =>
      tier.read('5:org-7', [key]).then(
        () => 'answered',
        (error: { code?: string }) => error.code ?? String(error),
      )
    expect(new Set(await Promise.all(keys.map(read)))).toEqual(new Set(['answered']))
    const thaw = await cluster.servers[0]!.freeze()
    ended.push(thaw)
    expect(await read(lost[0]!)).toBe('SHARED_TIER_TIMEOUT')
    expect(new Set(await Promise.all(lost.map(read)))).toEqual(new Set(['SHARED_TIER_FAILED']))
    expect(new Set(await Promise.all(safe.map(read)))).toEqual(new Set(['answered']))
    thaw()
    await until(async () => (await read(lost[0]!)) === 'answered', { what: 'the node', withinMs: 60_000 })
  })
})
