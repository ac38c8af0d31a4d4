import { Cluster } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SharedTier } from '../../../src/core/ports/shared-tier.js'
import { createCache, definePolicy, doctor, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { slotOf } from '../../../src/redis-protocol/redis-slot.js'
import { until } from '../../kit/until.ts'
import { CLUSTER, type OpenClient } from '../../servers/clients.ts'
import { freePort } from '../../servers/free-port.ts'
import { type RedisCluster, startRedisCluster } from '../../servers/redis-cluster.ts'
import { NAMESPACE, openRedisTier, setEntries } from './open-redis-tier.ts'

const BASE = 'test:c1:'
const token = 'T'.repeat(16)
const envelope = (body: string): string => `1j--${token}${'e'.repeat(8)}${'0'.repeat(48)}${body}`

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterAll(() => cluster.stop())
beforeEach(() => cluster.flush())

/** A client as it is before its first command, or without a server: ioredis' knows no node then. */
function untried(rootNodes: readonly { host: string; port: number }[]): Cluster {
  const client = new Cluster([...rootNodes], { redisOptions: { disconnectTimeout: 0 } })
  client.on('error', () => {})
  ended.push(() => client.disconnect())
  return client
}
const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

describe('what must look at every server', () => {
  const row = definePolicy({ name: 'row', ttl: '60s', coordinate: { leaseMs: 90_000 } })
  const over = (client: Cluster) => {
    const cache = createCache({
      name: 'test',
      tiers: [redisTier({ client, commandTimeout: '10s', pollInterval: '0ms' })],
      maxStaleness: '60s',
    })
    ended.push(() => cache.close({ graceMs: 0 }))
    return cache
  }

  test('finds them all with the first command of a client', async () => {
    const before = over(untried(cluster.rootNodes))
    await before.setMany(
      row,
      Array.from({ length: 30 }, (_, n) => [`k${n}`, n]),
    )
    expect(await over(untried(cluster.rootNodes)).invalidatePattern(row, 'k*')).toMatchObject({ deleted: 30 })
    const { inspection } = await doctor(over(untried(cluster.rootNodes)))
    expect(inspection?.nodes.map(({ name, error }) => [name !== '', error])).toEqual(Array(3).fill([true, undefined]))
  })

  test('is refused, and said to be unsound, where they are not known', async () => {
    const client = untried([{ host: '127.0.0.1', port: await freePort() }])
    const cache = createCache({ name: 'test', tiers: [redisTier({ client })] })
    ended.push(() => cache.close({ graceMs: 0 }))
    await expect(cache.invalidatePattern(row, 'k*')).rejects.toMatchObject({ code: 'SHARED_TIER_FAILED' })
    await expect(cache.purge('org-1', { from: '0' })).rejects.toMatchObject({ code: expect.stringMatching(/^SHARED/) })
    expect(await doctor(cache)).toMatchObject({ isSound: false })
  })
})

for (const [library, connect] of Object.entries(CLUSTER)) {
  describe(`a cluster over ${library}`, () => {
    let open: OpenClient
    beforeAll(async () => {
      open = await connect(cluster)
    })
    afterAll(() => open.close())

    test('spreads entries and logs over all nodes', async () => {
      const tier = openRedisTier(open.client, { commandTimeout: '10s' })
      expect(tier.shards).toBe(16)
      for (let org = 0; org < 40; org++) {
        const namespace = `${`org-${org}`.length}:org-${org}`
        await setEntries(tier, namespace, [
          { key: `${namespace}|units@1|all`, envelope: envelope('1'), keepMs: 60_000 },
        ])
      }
      const found = await cluster.everywhere(async (node) => {
        const names = await node.keys('*')
        return {
          entries: names.filter((name) => name.includes(':d:')).length,
          logs: names.filter((name) => name.includes(':b:')).length,
        }
      })
      for (const { entries, logs } of found) {
        expect(entries).toBeGreaterThan(0)
        expect(logs).toBeGreaterThan(0)
      }
      await tier.close()
    })

    test('works with keys and tenants that contain braces', async () => {
      const cache = createCache({
        name: 'test',
        tiers: [memoryTier(), redisTier({ client: open.client, commandTimeout: '500ms' })],
      })
      let fills = 0
      const units = definePolicy({ name: 'units', ttl: '60s', fill: async (key: string) => `${key} ${++fills}` })
      for (const key of ['{', '}', '{}', '}{', 'a{b}c', '{x}.y', '']) {
        const org = cache.tenant(`{t}${key}`)
        const first = await org.getOrFill(units, key)
        expect(await org.getOrFill(units, key, { consistency: 'strict' })).toBe(first)
        await org.delete(units, key)
        expect(await org.getOrFill(units, key)).not.toBe(first)
      }
      await cache.close()
    })

    test('reads, fills and invalidates a slot that is on the move, and after it has moved', {
      timeout: 180_000,
    }, async () => {
      const tier = openRedisTier(open.client, { commandTimeout: '1s' })
      const key = `${NAMESPACE}|units@1|moving`
      const [data, lease] = [`${BASE}d:{${key}}`, `${BASE}l:{${key}}`]
      await store(tier, key, '"old"')
      await cluster.client().set(lease, token)
      const move = await beginMove(cluster, slotOf(data))
      // One key has gone ahead, the other has not: whoever names both is told to try again.
      await move.carry([data])
      const load = underLoad(tier, key)
      const { existed } = await tier.delete(NAMESPACE, [key], '["x"]', false)
      expect(existed).toEqual([true])
      expect((await tier.read(NAMESPACE, [key])).envelopes).toEqual([undefined])
      expect(await move.exists(lease)).toBe(false)
      await move.finish([data, lease])
      // The client goes on trying to delete for a while, which costs a new entry at most: a miss.
      await until(
        async () => {
          await store(tier, key, '"new"').catch(() => {})
          const { envelopes } = await tier.read(NAMESPACE, [key])
          return envelopes[0]?.includes('"new"') ?? false
        },
        { withinMs: 60_000 },
      )
      await tier.delete(NAMESPACE, [key], '["x"]', true)
      const { reads, surprises } = await load.end()
      expect(reads).toBeGreaterThan(0)
      expect(surprises).toEqual([])
      await tier.close()
    })
  })
}

function store(tier: SharedTier, key: string, body: string): Promise<unknown> {
  return setEntries(tier, NAMESPACE, [{ key, envelope: envelope(body), keepMs: 60_000 }])
}

/** Reads all the time what moves, and another key of another slot, which must always be answered. */
function underLoad(tier: SharedTier, key: string): { end(): Promise<{ reads: number; surprises: unknown[] }> } {
  let isOver = false
  let reads = 0
  const surprises: unknown[] = []
  const running = (async () => {
    while (!isOver) {
      const steady = tier.read(NAMESPACE, [`${NAMESPACE}|units@1|steady`]).then(
        () => reads++,
        (error: unknown) => surprises.push(error),
      )
      const moving = tier.read(NAMESPACE, [key]).catch(() => {})
      const claimed = tier.acquire(NAMESPACE, [{ key, token: 'U'.repeat(16), leaseMs: 20 }]).catch(() => {})
      await Promise.all([steady, moving, claimed])
    }
  })()
  return {
    async end() {
      isOver = true
      await running
      return { reads, surprises }
    },
  }
}

/** Puts a slot on its way from its node to the next one, as `redis-cli --cluster reshard` does, step by step. */
async function beginMove(target: RedisCluster, slot: number) {
  const owners = await target.everywhere(async (node) => String(await node.call('CLUSTER', 'NODES')))
  const from = owners.findIndex((text) => ownsSlot(text, slot))
  const to = (from + 1) % target.servers.length
  const [source, sink] = [target.servers[from]!.client(), target.servers[to]!.client()]
  await sink.call('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', target.ids[from]!)
  await source.call('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', target.ids[to]!)
  const carry = async (names: readonly string[]): Promise<void> => {
    await source.call('MIGRATE', '127.0.0.1', String(target.servers[to]!.port), '', '0', '5000', 'KEYS', ...names)
  }
  return {
    source,
    carry,
    async exists(name: string): Promise<boolean> {
      const [there, , ahead] = await Promise.all([
        source.exists(name).catch(() => 0),
        sink.call('ASKING'),
        sink.exists(name),
      ])
      return there + ahead > 0
    },
    async finish(names: readonly string[]) {
      await carry(names)
      await target.everywhere((node) => node.call('CLUSTER', 'SETSLOT', String(slot), 'NODE', target.ids[to]!))
    },
  }
}

/** Whether `CLUSTER NODES` of a node says that the node itself serves a slot. */
function ownsSlot(text: string, slot: number): boolean {
  const own = text.split('\n').find((line) => line.includes('myself')) ?? ''
  return own
    .split(' ')
    .slice(8)
    .some((range) => {
      const [from, to = from] = range.split('-').map(Number)
      return slot >= from! && slot <= to!
    })
}
