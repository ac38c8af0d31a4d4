import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeEntriesPayload } from '../../../src/core/log-entry.js'
import type { PatternReply, SharedTier } from '../../../src/core/ports/shared-tier.js'
import { spacePrefix, storedKey } from '../../../src/core/stored-key.js'
import { CLUSTER, SINGLE } from '../../servers/clients.ts'
import { type RedisCluster, startRedisCluster } from '../../servers/redis-cluster.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { NAMESPACE, openRedisTier, setEntries } from './open-redis-tier.ts'

const SPACE = spacePrefix(NAMESPACE, 'dashboard', 1)
const ENVELOPE = `1j--${'T'.repeat(16)}${'e'.repeat(8)}${'0'.repeat(48)}1`

/** Keys as applications have them, with the traps of pattern matching among them (B21). */
const KEYS = [
  'org:123',
  'org:123:unit:9',
  'org:1234',
  'org:*',
  'org:[1]23',
  'org:?',
  'xorg:123',
  'org:12',
  'Org:123',
  'org:é',
]

async function fill(tier: SharedTier, namespace = NAMESPACE, space = SPACE): Promise<void> {
  const requests = KEYS.map((key) => ({ key: storedKey(space, key), envelope: ENVELOPE, keepMs: 60_000 }))
  await setEntries(tier, namespace, requests)
}

function deletePattern(tier: SharedTier, glob: string, signal?: AbortSignal): Promise<PatternReply> {
  return tier.deletePattern!(NAMESPACE, {
    keyPrefix: `${SPACE}|`,
    glob,
    payloadOf: (keys) => encodeEntriesPayload({ namespace: NAMESPACE, origin: 'o', soft: false, keys }),
    signal,
  })
}

async function left(tier: SharedTier, namespace = NAMESPACE, space = SPACE): Promise<string[]> {
  const { envelopes } = await tier.read(
    namespace,
    KEYS.map((key) => storedKey(space, key)),
  )
  return KEYS.filter((_, index) => envelopes[index] !== undefined)
}

let server: RedisServer
let cluster: RedisCluster
beforeAll(async () => {
  ;[server, cluster] = await Promise.all([startRedisServer(), startRedisCluster()])
})
afterAll(() => Promise.all([server.stop(), cluster.stop()]))
beforeEach(() => Promise.all([server.client().flushall(), cluster.flush()]))

const places = {
  ...Object.fromEntries(Object.entries(SINGLE).map(([name, connect]) => [name, () => connect(server.port)])),
  ...Object.fromEntries(
    Object.entries(CLUSTER).map(([name, connect]) => [`a cluster, ${name}`, () => connect(cluster)]),
  ),
}

describe.each(Object.entries(places))('a deletion by pattern over %s', (_name, connect) => {
  test('deletes exactly what matches, in this namespace and policy only', async () => {
    const { client, close } = await connect()
    const tier = openRedisTier(client, { commandTimeout: '10s' })
    const foreign = { namespace: '5:org-8', space: spacePrefix('5:org-8', 'dashboard', 1) }
    await fill(tier, foreign.namespace, foreign.space)
    const cases: [string, string[]][] = [
      ['org:123', ['org:123']],
      ['org:123*', ['org:123', 'org:123:unit:9', 'org:1234']],
      ['org:123:*', ['org:123:unit:9']],
      ['org:\\*', ['org:*']],
      ['org:[1]23', ['org:[1]23']],
      ['org:?', ['org:*', 'org:?', 'org:é']],
      ['nothing*', []],
      ['*', KEYS],
    ]
    for (const [glob, expected] of cases) {
      await fill(tier)
      expect(await deletePattern(tier, glob), glob).toMatchObject({ deleted: expected.length })
      expect(await left(tier), glob).toEqual(KEYS.filter((key) => !expected.includes(key)))
    }
    expect(await left(tier, foreign.namespace, foreign.space)).toEqual(KEYS)
    await tier.close()
    await close()
  })

  test('appends what it deleted to the log, so that memory elsewhere lets it go too', async () => {
    const { client, close } = await connect()
    const tier = openRedisTier(client, { commandTimeout: '10s' })
    await fill(tier)
    const shard = tier.shardOf(NAMESPACE)
    const { row } = await tier.tail(shard)
    await deletePattern(tier, 'org:12*')
    const { rows } = await tier.logSince(shard, row!.id, 10)
    const named = rows
      .slice(1)
      .flatMap(({ payload }) => (JSON.parse(payload) as [string, string, string, number, string[]])[4])
    expect(named.sort()).toEqual(
      ['org:12', 'org:123', 'org:1234', 'org:123:unit:9'].map((key) => storedKey(SPACE, key)).sort(),
    )
    await tier.close()
    await close()
  })
})

test('S2-29, S2-30, S2-47: finds keys beside 100,000 of others in steps, without KEYS, and touches none of those', {
  timeout: 180_000,
}, async () => {
  const admin = server.client()
  const step = 1_000
  for (let from = 0; from < 100_000; from += step) {
    const pairs = Array.from({ length: step }, (_, index) => [`bull:jobs:${from + index}`, 'x']).flat()
    await admin.mset(...pairs)
  }
  const tier = openRedisTier(admin, { commandTimeout: '10s' })
  await fill(tier)
  await admin.config('RESETSTAT')
  const { scanned, deleted } = await deletePattern(tier, 'org:1*')
  expect(deleted).toBe(4)
  expect(scanned).toBeGreaterThanOrEqual(100_000)
  const stats = await admin.info('commandstats')
  expect(await countOf(admin, 'bull:*')).toBe(100_000)
  expect(stats).not.toMatch(/cmdstat_(keys|del|flushall):/)
  // A step looks at a thousand of them: others are served in between.
  expect(Number(/cmdstat_scan:calls=(\d+)/.exec(stats)![1])).toBeGreaterThanOrEqual(100)
  await tier.close()
})

async function countOf(admin: Redis, pattern: string): Promise<number> {
  let count = 0
  for await (const keys of admin.scanStream({ match: pattern, count: 10_000 })) count += (keys as string[]).length
  return count
}

test('ends between two steps when it is told to', async () => {
  const tier = openRedisTier(server.client(), { commandTimeout: '10s' })
  await fill(tier)
  await expect(deletePattern(tier, '*', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  expect(await left(tier)).toEqual(KEYS)
  await tier.close()
})
