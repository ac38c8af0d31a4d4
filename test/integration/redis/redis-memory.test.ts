import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCache, definePolicy } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'

const ORGANISATIONS = 1_000
const QUESTIONS = ['units', 'alerts', 'compliance', 'sites', 'trend']
const TOGETHER = 250
/** A day of readings, one a minute: what a trend holds. */
const TREND = Array.from({ length: 1_440 }, (_, minute) => ({ minute, celsius: -18 + (minute % 40) / 10 }))
const COUNTS = { units: 120, online: 117, alerts: 3, compliant: 0.98, at: '2026-11-21T10:00:00.000Z' }

let server: RedisServer
let client: Redis
beforeAll(async () => {
  server = await startRedisServer()
  client = server.client()
})
afterAll(() => server.stop())

async function usedBytes(): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))![1])
}

/** What Redis needs more once every organisation's dashboard has been looked at. */
async function bytesOfDashboards(hasTrends: boolean): Promise<number> {
  await client.flushall()
  // A slow machine is no reason to give up.
  const tier = redisTier({ client: server.client(), commandTimeout: '10s' })
  const cache = createCache({ name: 'cold-chain', tiers: [tier], maxStaleness: '60s' })
  const dashboard = definePolicy({
    name: 'dashboard',
    ttl: '1h',
    coordinate: { leaseMs: 120_000, waitMs: 60_000 },
    tags: () => ['dashboard'],
    fill: (question: string) => (hasTrends && question === 'trend' ? TREND : COUNTS),
  })
  const before = await usedBytes()
  for (let from = 0; from < ORGANISATIONS; from += TOGETHER) {
    const group = Array.from({ length: TOGETHER }, (_, index) => cache.tenant(`org-${from + index}`))
    await Promise.all(group.flatMap((org) => QUESTIONS.map((question) => org.getOrFill(dashboard, question))))
  }
  expect(Number(/keys=(\d+)/.exec(await client.info('keyspace'))![1])).toBeGreaterThanOrEqual(
    ORGANISATIONS * QUESTIONS.length,
  )
  const bytes = (await usedBytes()) - before
  await cache.close()
  return bytes
}

describe(`the dashboards of ${ORGANISATIONS} organisations, ${QUESTIONS.length} answers each`, () => {
  it('S2-50: take less than 10 MB of Redis without trends', async () => {
    expect(await bytesOfDashboards(false)).toBeLessThan(10 * 1024 ** 2)
  })

  it('S2-50: take less than 100 MB with a day of readings for each', async () => {
    const bytes = await bytesOfDashboards(true)
    // They are there: a reading is more than 20 characters.
    expect(bytes).toBeGreaterThan(ORGANISATIONS * TREND.length * 20)
    expect(bytes).toBeLessThan(100 * 1024 ** 2)
  })
})
