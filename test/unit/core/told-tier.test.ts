import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, type CacheEvent, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, type FakeClock, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'
import { twinCaches } from '../../kit/twin-caches.js'

const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0 })

let clock: FakeClock
let cache: Cache
/** What the network does with each message of a client. */
let deliver: () => Promise<void> | undefined

beforeEach(() => {
  clock = fakeClock()
  deliver = () => undefined
  const server = createTwinServer({ clock, random: seededRandom(1), deliver: () => deliver() })
  cache = createCache({ clock, random: seededRandom(2), tiers: [memoryTier(), sharedTier({ server })] })
})

afterEach(async () => {
  const closed = cache.close()
  await clock.advance(10_000)
  await closed
})

type Called = Extract<CacheEvent, { type: 'tier-called' }>

function listen(): Called[] {
  const called: Called[] = []
  cache.on('tier-called', (event) => called.push(event))
  return called
}

describe('calls of the shared tier', () => {
  it('are told with operation and outcome, those of a fill in their order', async () => {
    const called = listen()
    await cache.getOrFill(row, 'a', () => 1)
    await cache.get(row, 'b')
    await cache.delete(row, 'a')
    const outcomes = called.filter(({ operation }) => !['tail', 'logSince'].includes(operation))
    expect(outcomes.map(({ operation, tier, failed }) => [operation, tier, failed])).toEqual([
      ['read', 'twin', false],
      ['acquire', 'twin', false],
      ['commit', 'twin', false],
      ['read', 'twin', false],
      ['delete', 'twin', false],
    ])
  })

  it('are told with their duration, and as failed when they fail', async () => {
    await cache.get(row, 'a')
    const called = listen()
    deliver = () => new Promise(() => {})
    const read = cache.get(row, 'b')
    await clock.advance(1_000)
    await read
    expect(called.find(({ operation }) => operation === 'read')).toMatchObject({ durationMs: 250, failed: true })
  })
})

describe('a ping', () => {
  it('answers for each tier, and counts as no request', async () => {
    expect(await cache.ping()).toEqual([
      { tier: 'memory', state: 'up', latencyMs: 0 },
      { tier: 'twin', state: 'up', latencyMs: 0 },
    ])
    expect(cache.stats().requests).toBe(0)
  })

  it('answers by its deadline while the shared tier hangs', async () => {
    deliver = () => new Promise(() => {})
    const pinged = cache.ping({ deadlineMs: 100 })
    await clock.advance(100)
    expect((await pinged)[1]).toMatchObject({ state: 'down', latencyMs: 100, error: { code: 'SHARED_TIER_TIMEOUT' } })
  })

  it('refuses a deadline that is none, and a closed cache', async () => {
    await expect(cache.ping({ deadlineMs: -1 })).rejects.toThrow('ping.deadlineMs must be a number of milliseconds')
    await cache.close()
    await expect(cache.ping()).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
  })
})

describe('policies', () => {
  it('are those that were met, with their rules', async () => {
    expect(cache.policies()).toEqual([])
    await cache.get(row, 'a')
    expect(cache.policies()).toMatchObject([{ name: 'row', version: 1, rules: { ttlMs: 60_000 } }])
  })
})

describe('a hedge', () => {
  it('is told when a follower that waited in vain tries for the lease once more', async () => {
    const hedging = definePolicy({ name: 'hedging', ttl: '60s', coordinate: { onTimeout: 'hedge' } })
    const { clock: time, caches, close } = twinCaches(2)
    const hedged: CacheEvent[] = []
    caches[1]!.on('hedged', (event) => hedged.push(event))
    const leader = caches[0]!.getOrFill(
      hedging,
      'a',
      () => new Promise<number>((resolve) => time.setTimer(() => resolve(1), 4_000)),
    )
    await time.settle()
    const follower = caches[1]!.getOrFill(hedging, 'a', () => 2)
    await time.advance(5_000)
    expect([await leader, await follower]).toEqual([1, 2])
    expect(hedged).toEqual([{ type: 'hedged', policy: 'hedging', tenant: '', key: 'a' }])
    await close()
  })
})
