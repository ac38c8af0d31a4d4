import { SieveCache } from '@neophi/sieve-cache'
import { memoryTier } from 'freshtier'
import { LRUCache } from 'lru-cache'
import { LRUMap } from 'mnemonist'
import QuickLRU from 'quick-lru'
import { lru as tinyLru } from 'tiny-lru'
import { seededRandom } from '../hit-ratio/seeded-random.mjs'

const HOUR_MS = 3_600_000
const EVICTIONS = ['w-tinylfu', 'lru', 'fifo', 'lfu', 'sieve', 's3-fifo']

/**
 * Every cache of the bench: `open({ capacity })` answers `{ get, set }`. Entries of freshtier always have a ttl, and it
 * is checked by every get; the time is handed in, as the core does.
 */
export const contenders = [
  { name: 'Map (unbounded)', open: () => ofMapLike(new Map()) },
  { name: 'lru-cache', open: ({ capacity }) => ofMapLike(new LRUCache({ max: capacity })) },
  { name: 'lru-cache ttl', open: ({ capacity }) => ofMapLike(new LRUCache({ max: capacity, ttl: HOUR_MS })) },
  { name: 'mnemonist', open: ({ capacity }) => ofMapLike(new LRUMap(capacity)) },
  { name: 'quick-lru', open: ({ capacity }) => ofMapLike(new QuickLRU({ maxSize: capacity })) },
  { name: 'sieve-cache', open: ({ capacity }) => ofMapLike(new SieveCache(capacity)) },
  { name: 'tiny-lru', open: ({ capacity }) => ofMapLike(tinyLru(capacity)) },
  ...EVICTIONS.map((eviction) => ({
    name: `freshtier ${eviction}`,
    open: ({ capacity }) => ofTier(memoryTier({ maxEntries: capacity, eviction })),
  })),
  {
    name: 'freshtier w-tinylfu, bytes',
    open: ({ capacity }) => ofTier(memoryTier({ maxEntries: capacity, maxBytes: '8gb' })),
  },
]

function ofMapLike(cache) {
  return { get: (key) => cache.get(key), set: (key, value) => cache.set(key, value) }
}

function ofTier(definition) {
  const clock = {
    now: () => 0,
    coarseNow: () => 0,
    wallNow: () => 0,
    setTimer: () => () => {},
    setHousekeepingTimer: () => () => {},
  }
  const tier = definition.open({ cacheName: 'eviction', clock, random: seededRandom(1), onRemoved: () => {} })
  const space = { id: 1, namespace: { sequence: 1, standing: () => 'current' } }
  const missing = tier.getFresh(space, '', 0)
  const nowMs = 1_000.5
  return {
    get: (key) => {
      const value = tier.getFresh(space, key, nowMs)
      return value === missing ? undefined : value
    },
    set: (key, value) =>
      tier.set(space, key, { value, freshUntilMs: HOUR_MS, staleMs: 0, storedAtMs: 1.7e12, seen: 1, bytes: 1 }),
  }
}
