import Fastify from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freshtier } from '../../../src/fastify/index.js'
import { createCache, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { until } from '../../kit/until.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'

let redis: RedisServer

beforeAll(async () => {
  redis = await startRedisServer()
})

afterAll(() => redis.stop())

it('S2-33, S2-57: /health says pass, degraded while Redis hangs, within its deadline and with 200, and pass again', async () => {
  const app = Fastify()
  await app.register(freshtier, {
    open: () =>
      createCache({
        name: 'health',
        tiers: [memoryTier(), redisTier({ client: redis.client(), commandTimeout: '10s' })],
        maxStaleness: '30s',
        ttl: '60s',
        coordinate: { leaseMs: 90_000 },
      }),
    health: { deadlineMs: 150 },
  })
  const health = async () => {
    const { statusCode, body } = await app.inject('/health')
    return {
      statusCode,
      ...(JSON.parse(body) as {
        status: string
        tiers: Record<string, { status: string; latencyMs: number; message?: string }>
      }),
    }
  }
  await until(async () => (await health()).status === 'pass', { what: 'a healthy cache' })
  const goOn = await redis.freeze()
  const hanging = await health()
  expect(hanging).toMatchObject({
    statusCode: 200,
    status: 'degraded',
    tiers: { memory: { status: 'pass' }, redis: { status: 'fail', message: expect.stringContaining('within 150 ms') } },
  })
  expect(hanging.tiers.redis!.latencyMs).toBeGreaterThanOrEqual(149)
  goOn()
  await until(async () => (await health()).status === 'pass', { what: 'the recovery' })
  await app.close()
})
