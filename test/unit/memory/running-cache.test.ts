import { describe, expect, it } from 'vitest'
import { type CacheEvent, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'

const MB = 1024 * 1024
const row = definePolicy<number, number>({ name: 'row', ttl: '1h' })

/** What a user sees of the memory tier through a cache. */
describe('the memory tier of a cache', () => {
  it('changes its eviction while it runs, and loses nothing', async () => {
    const cache = createCache({ tiers: [memoryTier({ maxEntries: 100, eviction: 'w-tinylfu' })] })
    for (let id = 0; id < 100; id++) await cache.set(row, id, id)
    cache.memory!.useEviction('fifo')
    expect(cache.stats().tiers.memory).toMatchObject({ eviction: 'fifo', entries: 100 })
    for (let id = 0; id < 100; id++) expect(cache.peek(row, id)).toBe(id)
    for (let id = 100; id < 150; id++) {
      await cache.set(row, id, id)
      expect(cache.peek(row, id)).toBe(id)
    }
    expect(cache.stats().tiers.memory).toMatchObject({ entries: 100 })
    expect(() => cache.memory!.useEviction('mru' as 'lru')).toThrow(/'sieve'.*got 'mru'/)
    await cache.close()
    expect(() => cache.memory!.useEviction('lru')).toThrow(expect.objectContaining({ code: 'CACHE_CLOSED' }))
  })

  it('is absent from a cache without one', async () => {
    const clock = fakeClock()
    const server = createTwinServer({ clock, random: seededRandom(1) })
    const cache = createCache({ tiers: [sharedTier({ server })], clock, random: seededRandom(2) })
    expect(cache.memory).toBeUndefined()
    await cache.close()
  })

  it('keeps a noisy tenant from flushing the others, and tells who holds what', async () => {
    const cache = createCache({ tiers: [memoryTier({ maxEntries: 100, quotas: { share: 0.5 } })] })
    const [quiet, noisy] = [cache.tenant('quiet'), cache.tenant('noisy')]
    for (let id = 0; id < 50; id++) await quiet.set(row, id, id)
    for (let id = 0; id < 5_000; id++) await noisy.set(row, id, id)
    for (let id = 0; id < 50; id++) expect(quiet.peek(row, id)).toBe(id)
    expect(cache.stats().tiers.memory!.tenants).toEqual([
      { tenant: 'quiet', entries: 50, bytes: 0, evicted: 0, isOverQuota: false },
      { tenant: 'noisy', entries: 50, bytes: 0, evicted: 4_950, isOverQuota: false },
    ])
    await cache.close()
  })

  it('tells of memory pressure by event and in stats', async () => {
    const clock = fakeClock()
    const readings = {
      usedBytes: 10 * MB,
      heap: () => {
        const { usedBytes } = readings
        return { youngBytes: 0, usedBytes, committedBytes: usedBytes, limitBytes: 100 * MB }
      },
      rssBytes: () => MB,
      rssLimitBytes: 1_000 * MB,
    }
    const cache = createCache({
      tiers: [memoryTier({ maxEntries: 10_000, pressure: readings })],
      clock,
      random: seededRandom(1),
    })
    const events: CacheEvent[] = []
    cache.on('memory-pressure', (event) => events.push(event))
    for (let id = 0; id < 2_000; id++) await cache.set(row, id, id)
    readings.usedBytes = 95 * MB
    for (let id = 2_000; id < 3_000; id++) await cache.set(row, id, id)
    expect(events).toEqual([expect.objectContaining({ type: 'memory-pressure', state: 'shrunk', cause: 'heap' })])
    expect(cache.stats().tiers.memory!.pressure).toMatchObject({ isShrunk: true, shrinks: 1 })
    readings.usedBytes = 20 * MB
    await clock.advance(300_000)
    expect(events.at(-1)).toMatchObject({ state: 'relieved', maxEntries: 10_000 })
    expect(cache.stats().tiers.memory!.pressure).toMatchObject({ isShrunk: false, maxEntries: 10_000 })
    await cache.close()
    expect(clock.pendingTimers).toBe(0)
  })
})
