import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Cache, type CacheEvent, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, type FakeClock, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'
import { deferred } from '../../kit/twin-caches.js'

const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0, tags: () => ['t'] })
const lasting = definePolicy({
  name: 'lasting',
  ttl: '60s',
  jitter: 0,
  stale: { whileRevalidate: '30s', ifError: '1h' },
})

let clock: FakeClock
let cache: Cache
let events: CacheEvent[]

function make(options: Parameters<typeof createCache>[0] = {}): Cache {
  cache = createCache({ clock, random: seededRandom(1), ...options })
  return cache
}

beforeEach(() => {
  clock = fakeClock()
  events = []
})

afterEach(async () => {
  const closed = cache.close()
  await clock.advance(10_000)
  await closed
})

const types = (): string[] => events.map(({ type }) => type)
const fail = (): never => {
  throw new Error('down')
}

describe('the counts of a known workload', () => {
  it('are exact: each call is one request of one kind', async () => {
    make()
    const gate = deferred<number>()
    const calls = Array.from({ length: 5 }, () => cache.getOrFill(lasting, 'a', () => gate.promise))
    await clock.settle()
    gate.resolve(1)
    await Promise.all(calls)
    for (let n = 0; n < 10; n++) await cache.getOrFill(lasting, 'a', fail)
    await cache.get(lasting, 'none')
    await cache.getMany(lasting, ['a', 'none'])
    await clock.advance(60_000)
    await cache.getOrFill(lasting, 'a', fail)
    await clock.settle()
    await clock.advance(30_000)
    await cache.getOrFill(lasting, 'a', fail)
    await cache.get(lasting, 'a')
    await cache.delete(lasting, 'a')
    const { policies, ...all } = cache.stats()
    const expected = {
      requests: 5 + 10 + 1 + 2 + 1 + 1 + 1,
      hits: 11,
      staleHits: 1,
      misses: 5,
      joined: 4,
      fills: 3,
      fillErrors: 2,
    }
    expect(all).toMatchObject({
      ...expected,
      invalidations: 1,
      hitRatio: 12 / 21,
      notStored: 0,
      flights: 0,
      tenants: 1,
    })
    expect(policies.lasting).toMatchObject(expected)
    expect(all.tiers.memory).toMatchObject({ hits: 11, entries: 0, bytes: 0, evicted: 0, expired: 0, refused: 0 })
  })

  it('sum up over policies, tenants and versions of a policy', async () => {
    make()
    const next = definePolicy({ name: 'row', version: 2, ttl: '60s' })
    for (const scope of [cache, cache.tenant('a'), cache.tenant('b')]) {
      await scope.getOrFill(row, 'k', () => 1)
      await scope.getOrFill(next, 'k', () => 1)
      await scope.getOrFill(lasting, 'k', () => 1)
    }
    const { policies, fills, tenants, misses } = cache.stats()
    expect([policies.row?.fills, policies.lasting?.fills, fills, misses, tenants]).toEqual([6, 3, 9, 9, 3])
  })

  it('of a shared tier tell its hits, its errors and how old memory may be', async () => {
    const server = createTwinServer({ clock, random: seededRandom(1) })
    const tiers = [memoryTier(), sharedTier({ server })]
    const other = createCache({ tiers, clock, random: seededRandom(2) })
    make({ tiers })
    expect(cache.stats().staleness).toMatchObject({ maxStalenessMs: 2_000, syncedMsAgo: undefined, isCurrent: false })
    await other.set(row, 'k', 1)
    await cache.get(row, 'k')
    await cache.get(row, 'k')
    await clock.advance(100)
    server.fail('read', new Error('cut'))
    await cache.get(row, 'gone')
    expect(cache.stats()).toMatchObject({
      hits: 2,
      misses: 1,
      tiers: { twin: { hits: 1, errors: 1 }, memory: { hits: 1 } },
    })
    expect(cache.stats().staleness).toMatchObject({ maxStalenessMs: 2_000, syncedMsAgo: 100, isCurrent: true })
    await clock.advance(10_000)
    expect(cache.stats().staleness.isCurrent).toBe(false)
    await other.close()
  })

  it('of fills tell how long they took', async () => {
    make()
    for (const ms of [100, 300]) {
      const filled = cache.getOrFill(row, ms, async () => {
        const gate = deferred<number>()
        clock.setTimer(() => gate.resolve(1), ms)
        return gate.promise
      })
      await clock.advance(ms)
      await filled
    }
    expect(cache.stats().fillMs).toEqual({ count: 2, totalMs: 400, maxMs: 300 })
  })
})

describe('events', () => {
  it('tell a life of an entry, in order', async () => {
    make()
    cache.on('*', (event) => events.push(event))
    await cache.getOrFill(row, 'k', () => 1)
    await cache.getOrFill(row, 'k', fail)
    await cache.getOrFill(row, 'gone', fail).catch(() => {})
    await cache.invalidate({ tags: ['t'] })
    const subject = { policy: 'row', tenant: '', key: 'k' }
    expect(events).toEqual([
      { type: 'miss', ...subject },
      { type: 'filled', ...subject, durationMs: 0, stored: true, negative: false },
      { type: 'hit', ...subject, tier: 'memory' },
      { type: 'miss', ...subject, key: 'gone' },
      { type: 'fill-failed', ...subject, key: 'gone', durationMs: 0, error: expect.any(Error) as Error },
      { type: 'invalidated', tenant: '', tags: ['t'], entries: 0, clear: false, soft: false, source: 'local' },
    ])
  })

  it('say that a value was stored only if it was', async () => {
    make()
    cache.on('filled', (event) => events.push(event))
    const gate = deferred<number>()
    const early = cache.getOrFill(row, 'k', () => gate.promise)
    await clock.settle()
    await cache.invalidate({ tags: ['t'] })
    gate.resolve(1)
    await early
    expect(events).toMatchObject([{ type: 'filled', stored: false }])
    expect(cache.stats().notStored).toBe(1)
  })

  it('say nothing of a stale value that nobody got', async () => {
    make()
    await cache.set(lasting, 'k', 1)
    await clock.advance(60_000)
    cache.on('stale', (event) => events.push(event))
    await cache.getOrFill(lasting, 'k', fail)
    await clock.settle()
    expect(events).toMatchObject([{ cause: 'revalidate' }])
    await clock.advance(30_000)
    await cache.getOrFill(lasting, 'k', fail)
    expect(events).toMatchObject([{ cause: 'revalidate' }, { cause: 'error' }])
  })

  it('tell what memory had to let go, with the tenant', async () => {
    make({ tiers: [memoryTier({ maxEntries: 1, eviction: 'lru' })] })
    cache.on('removed', (event) => events.push(event))
    await cache.tenant('a').set(row, 'k', 1)
    await cache.set(row, 'k', 1)
    expect(events).toEqual([{ type: 'removed', policy: 'row', tenant: 'a', reason: 'evicted' }])
  })

  it('stop when the listener is taken off, and cost nothing from then on', async () => {
    make()
    const off = cache.on('hit', (event) => events.push(event))
    await cache.set(row, 'k', 1)
    await cache.get(row, 'k')
    off()
    off()
    await cache.get(row, 'k')
    expect(types()).toEqual(['hit'])
  })

  it('never carry a value', async () => {
    make()
    cache.on('*', (event) => events.push(event))
    await cache.getOrFill(row, 'k', () => 'secret')
    await cache.get(row, 'k')
    await cache.set(row, 'k', 'secret')
    expect(JSON.stringify(events)).not.toContain('secret')
  })
})

describe('a listener that throws', () => {
  it('or rejects disturbs nothing, is called again, and is told once as a warning', async () => {
    make()
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    cache.on('*', (event) => {
      events.push(event)
      throw new Error('mine')
    })
    cache.on('miss', (async () => {
      throw new Error('later')
    }) as never)
    expect(await cache.getOrFill(row, 'k', () => 1)).toBe(1)
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(1)
    await clock.settle()
    expect(types()).toEqual(['miss', 'filled', 'hit'])
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls[0]?.[0]).toMatch(/listener of freshtier's 'miss' events threw/)
    warn.mockRestore()
  })
})
