import { describe, expect, it } from 'vitest'
import { createCache, memoryTier } from '../../../src/index.js'
import { EVICTION_NAMES } from '../../../src/memory/evictions/create-eviction.js'
import { heldKeys, newEntry, newSpace, openTier } from './memory-fixture.js'

const OVERHEAD_AT_MOST = 70

describe.each(EVICTION_NAMES)('bounds with eviction %s', (eviction) => {
  it.each([1, 2, 3, 10])('holds %d entries and not one more', (maxEntries) => {
    const { tier, removed } = openTier({ maxEntries, eviction })
    const space = newSpace()
    for (let id = 0; id < 100; id++) {
      expect(tier.set(space, id, newEntry(id))).toBe(true)
      expect(tier.usage().entries).toBe(Math.min(id + 1, maxEntries))
    }
    expect(removed).toHaveLength(100 - maxEntries)
    expect(removed.every(({ reason }) => reason === 'evicted')).toBe(true)
  })

  it('holds the entry just set', () => {
    const { tier } = openTier({ maxEntries: 20, eviction })
    const space = newSpace()
    for (let id = 0; id < 200; id++) {
      tier.set(space, id % 37, newEntry(id))
      expect(tier.getFresh(space, id % 37, 0)).toBe(id)
    }
  })

  it('keeps within bytes, whatever the sizes', () => {
    const { tier } = openTier({ maxBytes: 100_000, eviction })
    const space = newSpace()
    for (let id = 0; id < 2_000; id++) {
      const bytes = 1 + ((id * 7_919) % 20_000)
      expect(tier.set(space, (id * 31) % 400, newEntry(id, { bytes }))).toBe(true)
      expect(tier.usage().bytes).toBeLessThanOrEqual(100_000)
      expect(tier.getFresh(space, (id * 31) % 400, 0)).toBe(id)
    }
    expect(tier.usage().bytes).toBeGreaterThan(60_000)
    tier.validate()
  })

  it('keeps within both bounds at once', () => {
    const { tier } = openTier({ maxBytes: 50_000, maxEntries: 30, eviction })
    const space = newSpace()
    for (let id = 0; id < 500; id++) tier.set(space, id, newEntry(id, { bytes: (id * 997) % 5_000 }))
    for (let id = 0; id < 100; id++) tier.set(space, id, newEntry(id, { bytes: 1 }))
    expect(tier.usage().entries).toBe(30)
    tier.validate()
  })

  it('makes room for a value that grew, and holds it', () => {
    const { tier, removed } = openTier({ maxBytes: 10_000, eviction })
    const space = newSpace()
    for (let id = 0; id < 4; id++) tier.set(space, id, newEntry(id, { bytes: 2_000 }))
    tier.set(space, 0, newEntry('small', { bytes: 100 }))
    tier.set(space, 0, newEntry('grown', { bytes: 2_400 }))
    tier.set(space, 1, newEntry('grown', { bytes: 2_400 }))
    tier.set(space, 2, newEntry('grown', { bytes: 2_400 }))
    tier.set(space, 3, newEntry('grown', { bytes: 2_400 }))
    expect(tier.getFresh(space, 3, 0)).toBe('grown')
    expect(tier.usage().bytes).toBeLessThanOrEqual(10_000)
    expect(removed.every(({ reason }) => reason === 'evicted')).toBe(true)
  })

  it('stays whole while entries come and go in every way', () => {
    const { tier, clock } = openTier({ maxEntries: 300, eviction })
    const space = newSpace()
    for (let step = 0; step < 20_000; step++) {
      const key = `k${(step * step) % 997}`
      if (step % 7 === 3) tier.delete(space, key)
      else if (step % 11 === 5) tier.expire(space, key, clock.now())
      else if (tier.getFresh(space, key, clock.now()) === undefined)
        tier.set(space, key, newEntry(step, { freshUntilMs: clock.now() + 500, tags: step % 3 ? undefined : [key] }))
      if (step % 100 === 0) clock.advance(100)
      if (step % 1_000 === 0) tier.validate()
    }
  })
})

describe('bounds', () => {
  it('is 64 MB by default', () => {
    expect(openTier({}).tier.usage()).toEqual({
      entries: 0,
      bytes: 0,
      maxEntries: Infinity,
      maxBytes: 64 * 1024 * 1024,
    })
  })

  it('has no bytes to keep to when only entries are bounded', () => {
    const { tier } = openTier({ maxEntries: 5 })
    expect(tier.usage()).toEqual({ entries: 0, bytes: 0, maxEntries: 5, maxBytes: Infinity })
  })

  it('takes sizes as text', () => {
    expect(openTier({ maxBytes: '2kb' }).tier.usage().maxBytes).toBe(2048)
  })

  it('counts value, key and its own cost', () => {
    const { tier } = openTier({ maxBytes: 1_000_000 })
    const space = newSpace()
    tier.set(space, 1, newEntry(null, { bytes: 1_000 }))
    const ofInteger = tier.usage().bytes
    expect(ofInteger).toBeGreaterThan(1_040)
    expect(ofInteger).toBeLessThanOrEqual(1_000 + OVERHEAD_AT_MOST)
    tier.set(space, 'k'.repeat(100), newEntry(null, { bytes: 1_000 }))
    expect(tier.usage().bytes - 2 * ofInteger).toBe(116)
  })

  it('refuses an entry above the limit for one, and leaves what is held', () => {
    const { tier, removed } = openTier({ maxBytes: 10_000 })
    const space = newSpace()
    expect(tier.set(space, 'a', newEntry('old', { bytes: 100 }))).toBe(true)
    expect(tier.set(space, 'a', newEntry('new', { bytes: 2_501 }))).toBe(false)
    expect(tier.getFresh(space, 'a', 0)).toBe('old')
    expect(removed).toEqual([{ space, reason: 'refused' }])
  })

  it('has a limit for one entry also without a bound of bytes', () => {
    const { tier } = openTier({ maxEntries: 10, maxEntryBytes: '1kb' })
    const space = newSpace()
    expect(tier.set(space, 'a', newEntry('x'.repeat(2_000)))).toBe(false)
    expect(tier.set(space, 'a', newEntry('x'.repeat(500)))).toBe(true)
  })

  it('estimates a size that nobody told', () => {
    const { tier } = openTier({ maxBytes: 1_000_000 })
    tier.set(newSpace(), 1, newEntry('x'.repeat(10_000)))
    expect(tier.usage().bytes).toBeGreaterThan(10_000)
    expect(tier.usage().bytes).toBeLessThan(10_200)
  })

  it("asks the caller's estimator, once a value", () => {
    const asked: unknown[] = []
    const { tier } = openTier({ maxBytes: 1_000_000, estimateBytes: (value) => asked.push(value) * 5_000 })
    tier.set(newSpace(), 1, newEntry('v'))
    tier.set(newSpace(), 1, newEntry('known', { bytes: 1 }))
    expect(asked).toEqual(['v'])
    expect(tier.usage().bytes).toBeGreaterThan(5_000)
  })
})

describe('changing the eviction', () => {
  const pairs = EVICTION_NAMES.flatMap((from) => EVICTION_NAMES.map((to) => [from, to] as const))

  it.each(pairs)('goes from %s to %s without losing an entry', (from, to) => {
    const { tier } = openTier({ maxBytes: 100_000, eviction: from })
    const space = newSpace()
    const keys = Array.from({ length: 400 }, (_, id) => id)
    for (const key of keys)
      tier.set(space, key, newEntry(key, { bytes: 10 + (key % 50), tags: key % 2 ? ['odd'] : undefined }))
    for (let step = 0; step < 3_000; step++) tier.getFresh(space, (step * step) % 400, 0)
    const { entries, bytes } = tier.usage()
    tier.useEviction(to)
    tier.validate()
    expect(tier.usage()).toMatchObject({ entries, bytes })
    expect(heldKeys(tier, space, keys)).toHaveLength(entries)
    for (const key of keys) expect(tier.getFresh(space, key, 0)).toBe(key)
    for (let id = 1_000; id < 4_000; id++) tier.set(space, id, newEntry(id, { bytes: 20 }))
    tier.clear()
    for (const key of keys) tier.set(space, key, newEntry(key))
  })

  it('refuses a name that is none, and keeps the one it has', () => {
    const { tier } = openTier({ maxEntries: 10, eviction: 'sieve' })
    expect(() => tier.useEviction('mru' as 'lru')).toThrow(/useEviction: name must be .*got 'mru'/)
    expect(tier.details().eviction).toBe('sieve')
  })

  it('keeps the order: what was next to leave still is', () => {
    const { tier } = openTier({ maxEntries: 10, eviction: 'w-tinylfu' })
    const space = newSpace()
    for (let id = 0; id < 10; id++) tier.set(space, id, newEntry(id))
    tier.useEviction('lru')
    for (let id = 0; id < 5; id++) tier.getFresh(space, id, 0)
    for (let id = 10; id < 15; id++) tier.set(space, id, newEntry(id))
    expect(heldKeys(tier, space, [0, 1, 2, 3, 4])).toHaveLength(5)
  })
})

it('what is too large for it is returned by a fill and told, and refused by a set', async () => {
  const cache = createCache({ ttl: '60s', tiers: [memoryTier({ maxBytes: 10_000 })] })
  const causes: string[] = []
  cache.on('not-stored', ({ cause }) => void causes.push(cause))
  const large = 'x'.repeat(20_000)
  expect(await cache.getOrFill('a', () => large)).toBe(large)
  expect(causes).toEqual(['too-large'])
  await expect(cache.set('a', large)).rejects.toMatchObject({ code: 'ENTRY_TOO_LARGE' })
  expect([await cache.get('a'), cache.stats().notStored]).toEqual([undefined, 1])
  await cache.close()
})
