import { afterEach, describe, expect, test } from 'vitest'
import { type Cache, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { type RedisClient, redisTier } from '../../../src/redis/index.js'
import { FaultProxy } from '../../kit/fault-proxy.ts'
import { until } from '../../kit/until.ts'
import { SINGLE } from '../../servers/clients.ts'
import { startRedisServer } from '../../servers/redis-server.ts'

const row = definePolicy({ name: 'row', ttl: '10m', tags: () => ['rows'] })
const LEVELS = ['eventual', 'bounded', 'strict'] as const

const PARTITIONS: Record<string, (proxy: FaultProxy) => void> = {
  'swallows everything': (proxy) => proxy.halfOpen(),
  'refuses connections': (proxy) => {
    proxy.refuses = true
    proxy.reset()
  },
}

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

function cacheOver(client: RedisClient): Cache {
  const cache = createCache({ tiers: [memoryTier(), redisTier({ client })] })
  ended.push(() => cache.close({ graceMs: 0 }))
  return cache
}

/** One process behind a line that can break, another one beside it, both of which hold version 1 of a row. */
async function twoProcesses(connect: (typeof SINGLE)[string]) {
  const server = await startRedisServer()
  ended.push(() => server.stop())
  const proxy = await FaultProxy.start({ port: server.port })
  ended.push(() => proxy.close())
  const [mine, others] = [await connect(proxy.port), await connect(server.port)]
  ended.push(mine.close, others.close)
  const [cut, other] = [cacheOver(mine.client), cacheOver(others.client)]
  for (const cache of [cut, other]) expect(await cache.getOrFill(row, 'k', () => 1)).toBe(1)
  return { proxy, cut, other }
}

describe.each(Object.entries(SINGLE))('with %s', (_name, connect) => {
  test.each(Object.entries(PARTITIONS))(
    'S2-23: an invalidation over a line that %s is never a false success, and after healing the old value is never served',
    async (_how, breakLine) => {
      const { proxy, cut, other } = await twoProcesses(connect)
      const load = (): number => 2
      breakLine(proxy)
      const calls = [cut.delete(row, 'k'), cut.invalidate({ tags: ['rows'] }), cut.clear()]
      for (const outcome of await Promise.allSettled(calls)) expect(outcome.status).toBe('rejected')
      for (const consistency of LEVELS) expect(await cut.getOrFill(row, 'k', load, { consistency })).toBe(2)
      const queued = await cut.invalidate({ tags: ['rows'], whenUnavailable: 'queue' })
      expect(queued.state).toBe('queued')

      const seen: unknown[] = []
      proxy.heal()
      await until(
        async () => {
          for (const consistency of LEVELS) seen.push(await cut.getOrFill(row, 'k', load, { consistency }))
          return cut.stats().queuedInvalidations === 0
        },
        { what: 'the delivery of what waited', withinMs: 120_000 },
      )
      for (const cache of [cut, other]) seen.push(await cache.getOrFill(row, 'k', load, { consistency: 'strict' }))
      await until(async () => (await other.getOrFill(row, 'k', load)) === 2, {
        what: 'the other process',
        withinMs: 60_000,
      })
      for (const consistency of LEVELS) seen.push(await other.getOrFill(row, 'k', load, { consistency }))
      expect(new Set(seen)).toEqual(new Set([2]))
    },
    180_000,
  )
})
