import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, expect, it } from 'vitest'
import { diskTier } from '../../../src/disk/index.js'
import { Segment } from '../../../src/disk/segment.js'
import { type Cache, type CacheOptions, createCache, memoryTier } from '../../../src/index.js'
import { cacheHealth, cacheMetrics, logEvents, type MetricSource } from '../../../src/observe/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { until } from '../../kit/until.ts'
import { startRedisServer } from '../../servers/redis-server.ts'

const { write } = Segment.prototype
const ends: (() => unknown)[] = []
afterEach(async () => {
  Segment.prototype.write = write
  for (const end of ends.splice(0).reverse()) await end()
})

function open(tiers: NonNullable<CacheOptions['tiers']>): {
  cache: Cache
  state: (part: string) => number | undefined
} {
  const cache = createCache({ name: 'shop', ttl: '60s', tiers })
  const metrics: MetricSource & { close(): void } = cacheMetrics(cache)
  ends.push(async () => {
    metrics.close()
    await cache.close()
  })
  const state = (part: string): number | undefined => {
    const family = metrics.families().find(({ name }) => name === 'cache_breaker_state')
    return family?.samples.find(({ labels }) => labels.part === part)?.value
  }
  return { cache, state }
}

it('S4-7: cache_breaker_state of Redis is 0, 2 once it is killed, and 0 again when it is back', async () => {
  const server = await startRedisServer()
  const { port } = server
  ends.push(() => server.stop())
  const client = new Redis({ port, retryStrategy: () => 20, disconnectTimeout: 0 })
  client.on('error', () => {})
  ends.push(() => client.disconnect())
  const { cache, state } = open([memoryTier(), redisTier({ client, breaker: { openTime: '50ms' } })])
  await cache.getOrFill('a', () => 1)
  await until(() => state('commands') === 0, { what: 'a closed breaker' })
  await server.stop()
  await until(() => state('commands') === 2, { what: 'an open breaker' })
  expect(cache.stats().tiers.redis!.breakers).toEqual({ commands: 'open' })
  const again = await startRedisServer({ port })
  ends.push(() => again.stop())
  await until(() => state('commands') === 0, { what: 'a closed breaker again' })
})

it('S4-11: of a disk whose device fails, writes are given up; metrics, health and log say so', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'freshtier-breaker-'))
  ends.push(() => rmSync(directory, { recursive: true, force: true }))
  const { cache, state } = open([
    memoryTier(),
    diskTier({ directory, breaker: { failureThreshold: 2, timeout: '1m' } }),
  ])
  const told: object[] = []
  const keep = (line: object): void => void told.push(line)
  ends.push(logEvents(cache, { logger: { info: keep, warn: keep } }))
  await cache.getOrFill('a', () => 1)
  await until(() => state('writes') === 0 && state('reads') === 0, { what: 'closed breakers' })
  expect(await cacheHealth(cache)).toMatchObject({ status: 'pass', tiers: { disk: { status: 'pass' } } })
  Segment.prototype.write = () => Promise.reject(Object.assign(new Error('EIO: for the test'), { code: 'EIO' }))
  let n = 0
  const oneMore = async (): Promise<boolean> => {
    await cache.getOrFill(`key-${n++}`, () => 1)
    return state('writes') === 2
  }
  await until(oneMore, { what: 'an open breaker' })
  expect(state('reads')).toBe(0)
  expect(await cacheHealth(cache)).toMatchObject({
    status: 'degraded',
    tiers: { disk: { status: 'fail', message: expect.stringContaining('writes are given up') } },
  })
  expect(told).toContainEqual({
    scope: 'cache',
    event: 'cache_breaker',
    cache: 'shop',
    tier: 'disk',
    part: 'writes',
    state: 'open',
  })
  const errors = cache.stats().tiers.disk!.errors!
  expect(errors).toBeGreaterThanOrEqual(2)
})
