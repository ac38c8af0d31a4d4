import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SharedTier } from '../../../src/core/ports/shared-tier.js'
import { APPEND } from '../../../src/redis-protocol/scripts/append.js'
import { until } from '../../kit/until.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { KEY, NAMESPACE, openRedisTier } from './open-redis-tier.ts'
import { TIER_CALLS } from './tier-calls.ts'

const BASE = 'test:c1:'

let server: RedisServer
let tier: SharedTier
beforeAll(async () => {
  server = await startRedisServer()
})
beforeEach(async () => {
  await server.client().flushall()
  tier = openRedisTier(server.client())
})
afterAll(() => server.stop())

describe('a server that has lost its scripts', () => {
  test('gets them again, within the same call', async () => {
    const admin = server.client()
    for (let round = 0; round < 3; round++) {
      await admin.script('FLUSH')
      await tier.acquire(NAMESPACE, [{ key: KEY, token: 'T'.repeat(16), leaseMs: 1_000 }])
      await admin.script('FLUSH')
      await tier.bump({ namespace: NAMESPACE, tags: ['x'], clear: false, soft: false, origin: 'o', horizonMs: 1 })
      await admin.script('FLUSH')
      await tier.delete(NAMESPACE, [KEY], `payload ${round}`, true)
      expect((await tier.tail(0)).row?.payload).toBe(`payload ${round}`)
    }
  })

  test('R8: a deletion that had to be sent again appends its row again, behind itself', async () => {
    const admin = server.client()
    const { row: before } = await tier.tail(0)
    await admin.script('FLUSH')
    // The log's script is there, the deletion's is not: the row comes first, and proves nothing.
    await admin.script('LOAD', APPEND.lua)
    const { position } = await tier.delete(NAMESPACE, [KEY], 'payload', true)
    const { rows } = await tier.logSince(0, before!.id, 10)
    expect(rows.map(({ payload }) => payload)).toEqual([before!.payload, 'payload', 'payload'])
    expect(position.id).toBe(rows[2]!.id)
  })
})

describe('keys of a wrong type under our prefix', () => {
  const token = 'T'.repeat(16)
  const acquire = () => tier.acquire(NAMESPACE, [{ key: KEY, token, leaseMs: 1_000 }])

  test('are a miss under a data key, and a fill stores over them', async () => {
    await server.client().lpush(`${BASE}d:{${KEY}}`, 'x')
    expect((await tier.read(NAMESPACE, [KEY])).envelopes).toEqual([undefined])
    expect((await tier.follow(NAMESPACE, [KEY])).states).toEqual([{ envelope: undefined, leased: false }])
    expect((await acquire()).acquired[0]?.state).toBe('leader')
    expect(await tier.commit(NAMESPACE, token, { key: KEY, envelope: 'x'.repeat(80), keepMs: 1_000 })).toBe('stored')
  })

  test.each([false, true])('are removed by an invalidation (soft: %s)', async (soft) => {
    await server.client().lpush(`${BASE}d:{${KEY}}`, 'x')
    expect((await tier.delete(NAMESPACE, [KEY], 'payload', soft)).existed).toEqual([true])
    expect(await server.client().exists(`${BASE}d:{${KEY}}`)).toBe(0)
  })

  test.each(['l', 'm'])('reject a fill under the name of %s', async (kind) => {
    await server.client().lpush(`${BASE}${kind}:{${KEY}}`, 'x')
    await expect(acquire()).rejects.toThrow(/WRONGTYPE/)
  })

  test('reject what needs the control block', async () => {
    await server.client().set(`${BASE}n:{b0}:${NAMESPACE}`, 'x')
    await expect(tier.control(NAMESPACE, [])).rejects.toThrow(/WRONGTYPE/)
    await expect(acquire()).rejects.toThrow(/WRONGTYPE/)
  })

  test('reject what needs the log, so that an invalidation is not acknowledged', async () => {
    await server.client().set(`${BASE}b:{b0}`, 'x')
    await expect(tier.delete(NAMESPACE, [KEY], 'payload', false)).rejects.toThrow(/WRONGTYPE/)
    await expect(tier.tail(0)).rejects.toThrow(/WRONGTYPE/)
    await expect(tier.logSince(0, '0-0', 10)).rejects.toThrow(/WRONGTYPE/)
  })

  test('reject with a clear error where a clock is no number', async () => {
    await server.client().hset(`${BASE}n:{b0}:${NAMESPACE}`, '!e', 'epoch', '!v', 'x')
    await expect(tier.control(NAMESPACE, [])).rejects.toMatchObject({ code: 'SHARED_TIER_FAILED' })
  })
})

test("keeps the names of another application's prefix apart", async () => {
  const shop = openRedisTier(server.client(), { prefix: 'shop:' })
  await shop.delete(NAMESPACE, [KEY], 'payload', false)
  const names = await server.client().keys('*')
  expect(names.sort()).toEqual(['shop:test:c1:b:{b0}', 'shop:test:c1:g:{b0}'])
  await shop.close()
})

test('S1-4: needs no more rights than docs/redis.md names, and no key or channel beyond its prefix', async () => {
  const docs = await readFile(new URL('../../../docs/redis.md', import.meta.url), 'utf8')
  const rights = /`(\+@read [^`]+)`/.exec(docs)![1]!.split(' ')
  await server
    .client()
    .call('ACL', 'SETUSER', 'shop', 'on', '>secret', '~shop:*', 'resetchannels', '&shop:*', ...rights)
  const client = server.client({ username: 'shop', password: 'secret' })
  const shop = openRedisTier(client, { prefix: 'shop:', maxBytes: '10mb' })
  const heard: string[] = []
  await shop.subscribe?.((_shard, row) => heard.push(row.payload))
  const refused: string[] = []
  for (const [name, call] of Object.entries(TIER_CALLS)) {
    await call(shop).catch((error: Error) => refused.push(`${name}: ${error.message}`))
  }
  const pattern = { keyPrefix: `${NAMESPACE}|`, glob: '*', payloadOf: () => 'by pattern' }
  await shop.deletePattern?.(NAMESPACE, pattern)
  expect(refused).toEqual([])
  expect((await shop.inspect?.())?.nodes).toMatchObject([{ role: 'master', scripts: true }])
  await until(() => heard.length > 0)
  expect((await server.client().keys('*')).filter((key) => !key.startsWith('shop:test:c1:'))).toEqual([])
  await shop.close()
})

test('works with a client that hands integers on as text', async () => {
  const text = openRedisTier(server.client({ stringNumbers: true }))
  const { acquired } = await text.acquire(NAMESPACE, [{ key: KEY, token: 'T'.repeat(16), leaseMs: 1_000 }])
  expect(acquired[0]?.state).toBe('leader')
  expect(await text.renew(NAMESPACE, KEY, 'T'.repeat(16), 5_000)).toBe(true)
  expect((await text.delete(NAMESPACE, [KEY], 'payload', false)).existed).toEqual([false])
  await text.close()
})

test('uses a client that keeps no queue as soon as it is connected', async () => {
  const client = server.client({ enableOfflineQueue: false })
  const unqueued = openRedisTier(client)
  await expect(unqueued.tail(0)).rejects.toThrow('is not connected')
  await once(client, 'ready')
  expect((await unqueued.tail(0)).generation).not.toBe('')
  await unqueued.close()
})

test('works with a client that groups commands by itself', async () => {
  const grouped = openRedisTier(server.client({ enableAutoPipelining: true }))
  const { row } = await grouped.tail(0)
  const { position } = await grouped.delete(NAMESPACE, [KEY], 'payload', false)
  expect((await grouped.logSince(0, row!.id, 10)).rows).toHaveLength(2)
  expect((await grouped.read(NAMESPACE, [KEY], { tags: ['x'] })).envelopes).toEqual([undefined])
  expect(position.generation).not.toBe('')
  await grouped.close()
})
