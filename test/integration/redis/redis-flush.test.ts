import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())

test('S2-5: the database is the truth: under FLUSHALL every answer is that of a program without a cache', async () => {
  const database = new Map(Array.from({ length: 20 }, (_, row) => [`row-${row}`, 1]))
  // A busy machine gives nobody up.
  const coordinate = { leaseMs: 120_000, waitMs: 60_000 }
  const fill = async (key: string): Promise<number> => database.get(key)!
  const row = definePolicy({ name: 'row', ttl: '1h', tags: () => ['rows'], coordinate, fill })
  const tiers = [memoryTier(), redisTier({ client: server.client(), commandTimeout: '10s', pollInterval: '50ms' })]
  const cache = createCache({ name: 'flushed', tiers, maxStaleness: '30s' })
  const admin = server.client()
  const readAll = async (): Promise<Map<string, number>> =>
    new Map(await Promise.all([...database.keys()].map(async (key) => [key, await cache.getOrFill(row, key)] as const)))
  for (let round = 0; round < 40; round++) {
    const key = `row-${round % 20}`
    // Reads are under way while everything goes; what they may answer is what there was before or after.
    const [during] = await Promise.all([readAll(), admin.flushall(), readAll()])
    expect(during).toEqual(database)
    database.set(key, database.get(key)! + 1)
    await (round % 2 === 0 ? cache.delete(row, key) : cache.invalidate({ tags: ['rows'] }))
    if (round % 3 === 0) await admin.flushall()
    expect(await readAll()).toEqual(database)
  }
  await cache.close()
})
