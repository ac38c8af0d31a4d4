import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Cache, createCache, memoryTier } from '../../src/index.js'
import { redisTier } from '../../src/redis/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../src/testing/index.js'
import { until } from '../kit/until.ts'
import { type RedisServer, startRedisServer } from '../servers/redis-server.ts'
import { type CapacityCache, createCapacityCache } from './capacity-cache.js'

/** Where a capacity cache may run; `instances` share what the place has to share. */
interface Place {
  readonly isShared: boolean
  instances(count: number): Cache[]
  /** Lets invalidations travel until `condition` holds. */
  settle(condition: () => boolean): Promise<void>
  /** Lets this much time pass: undefined where time is real. */
  readonly pass: ((ms: number) => Promise<void>) | undefined
}

const tables = [{ id: 't1', seats: 4 }]
const neighbours = new Map([['t1', new Set(['t2', 't3'])]])

const open: Cache[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((cache) => cache.close()))
})

/** What callers of the old cache rely on: requirements of the capacity server, section by section. */
function capacitySuite(name: string, create: () => Place): void {
  describe(`the capacity cache, ${name}`, () => {
    const openAt = (place: Place, count = 1): CapacityCache[] => {
      const caches = place.instances(count)
      open.push(...caches)
      return caches.map(createCapacityCache)
    }

    it('S0-1: answers null for what it has not, and what was set for what it has', async () => {
      const place = create()
      const [capacity] = openAt(place)
      await place.settle(() => true)
      expect([capacity!.getInventoryCache('r1'), capacity!.getAdjacencyCache('r1')]).toEqual([null, null])
      capacity!.setInventoryCache('r1', tables)
      capacity!.setAdjacencyCache('r1', neighbours)
      await place.settle(() => capacity!.getInventoryCache('r1') !== null)
      expect(capacity!.getInventoryCache('r1')).toEqual(tables)
      expect(capacity!.getAdjacencyCache('r1')).toEqual(neighbours)
      expect(capacity!.getInventoryCache('r2')).toBeNull()
    })

    it('S0-13: gives no promises, and no thenables', async () => {
      const place = create()
      const [capacity] = openAt(place)
      await place.settle(() => true)
      const given = [
        capacity!.getInventoryCache('r1'),
        capacity!.setInventoryCache('r1', tables),
        capacity!.invalidateInventoryCache('r1'),
        capacity!.getAdjacencyCache('r1'),
        capacity!.setAdjacencyCache('r1', neighbours),
        capacity!.invalidateAdjacencyCache('r1'),
      ]
      for (const one of given) expect(typeof (one as { then?: unknown } | null)?.then).toBe('undefined')
    })

    it('S0-1: invalidates one kind of one restaurant', async () => {
      const place = create()
      const [capacity] = openAt(place)
      await place.settle(() => true)
      for (const id of ['r1', 'r2']) {
        capacity!.setInventoryCache(id, tables)
        capacity!.setAdjacencyCache(id, neighbours)
      }
      await place.settle(() => capacity!.getAdjacencyCache('r2') !== null)
      capacity!.invalidateInventoryCache('r1')
      expect(capacity!.getInventoryCache('r1')).toBeNull()
      expect(capacity!.getInventoryCache('r2')).toEqual(tables)
      expect(capacity!.getAdjacencyCache('r1')).toEqual(neighbours)
    })

    it('S0-1: keeps a value for its own time', async () => {
      const place = create()
      if (place.pass === undefined) return
      const [capacity] = openAt(place)
      await place.settle(() => true)
      capacity!.setInventoryCache('r1', tables, 5_000)
      capacity!.setAdjacencyCache('r1', neighbours)
      await place.pass(4_999)
      expect(capacity!.getInventoryCache('r1')).toEqual(tables)
      await place.pass(1)
      expect(capacity!.getInventoryCache('r1')).toBeNull()
      await place.pass(24_999)
      expect(capacity!.getAdjacencyCache('r1')).toEqual(neighbours)
      await place.pass(1)
      expect(capacity!.getAdjacencyCache('r1')).toBeNull()
    })

    it('B2, B3: a value loaded before an invalidation is not kept after it', async () => {
      const place = create()
      const [capacity] = openAt(place)
      await place.settle(() => true)
      expect(capacity!.getInventoryCache('r1')).toBeNull()
      capacity!.invalidateInventoryCache('r1')
      capacity!.setInventoryCache('r1', tables)
      expect(capacity!.getInventoryCache('r1')).toBeNull()
    })

    it('S0-6: says whether it is shared', () => {
      const place = create()
      const [capacity] = openAt(place)
      expect(capacity!.isDistributedCacheEnabled()).toBe(place.isShared)
    })

    it('S0-3, S0-20: an invalidation in one instance reaches a sync read in another', async () => {
      const place = create()
      if (!place.isShared) return
      const [a, b] = openAt(place, 2)
      await place.settle(() => true)
      b!.setInventoryCache('r1', tables)
      await place.settle(() => b!.getInventoryCache('r1') !== null)
      a!.invalidateInventoryCache('r1')
      await place.settle(() => b!.getInventoryCache('r1') === null)
      expect(b!.getInventoryCache('r1')).toBeNull()
    })

    it('S0-19 B1: without writes, three instances load three times, however often they ask', async () => {
      const place = create()
      if (!place.isShared || place.pass === undefined) return
      const capacities = openAt(place, 3)
      await place.settle(() => true)
      let loads = 0
      for (let tick = 0; tick < 200; tick++) {
        for (const capacity of capacities) {
          if (capacity.getInventoryCache('r1') !== null) continue
          loads++
          capacity.setInventoryCache('r1', tables)
        }
        await place.pass(100)
      }
      expect(loads).toBe(3)
    })
  })
}

capacitySuite('in one process', () => {
  const clock = fakeClock()
  return {
    isShared: false,
    instances: (count) =>
      Array.from({ length: count }, (_, seed) => createCache({ clock, random: seededRandom(seed) })),
    settle: () => clock.settle(),
    pass: (ms) => clock.advance(ms),
  }
})

capacitySuite('over the shared twin', () => {
  const clock = fakeClock()
  const server = createTwinServer({ clock, random: seededRandom(7) })
  return {
    isShared: true,
    instances: (count) =>
      Array.from({ length: count }, (_, seed) =>
        createCache({ tiers: [memoryTier(), sharedTier({ server })], clock, random: seededRandom(seed) }),
      ),
    settle: () => clock.advance(1),
    pass: (ms) => clock.advance(ms),
  }
})

describe('with a real Redis', () => {
  let server: RedisServer
  let places = 0
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server.stop())

  capacitySuite('over Redis', () => {
    const name = `capacity-${++places}`
    return {
      isShared: true,
      instances: (count) =>
        Array.from({ length: count }, () =>
          createCache({
            name,
            maxStaleness: '30s',
            tiers: [memoryTier(), redisTier({ client: server.client(), commandTimeout: '800ms' })],
          }),
        ),
      settle: async (condition) => {
        await until(() => open.every((cache) => cache.stats().staleness.syncedMsAgo !== undefined))
        await until(condition)
      },
      pass: undefined,
    }
  })
})
