import { SieveCache } from '@neophi/sieve-cache'
import { LRUCache } from 'lru-cache'
import { LRUMap } from 'mnemonist'
import QuickLRU from 'quick-lru'
import { lru as tinyLru } from 'tiny-lru'
import { openTier } from '../hit-ratio/open-tier.mjs'

const HOUR_MS = 3_600_000
/** Within the 25 days that the tier reaches from one base, and never over. */
const NEVER_MS = 1e9
const READS_PER_LOOK = 128

export const DEFAULT = 'freshtier w-tinylfu'
export const WITHOUT_TTL = 'freshtier w-tinylfu, no ttl'
export const BY_BYTES = 'freshtier w-tinylfu, bytes'
export const FLOOR = 'lru-cache'
export const MAP = 'Map (unbounded)'

/** Every cache of the bench: how a cache of so many entries is opened, as `{ get, set }`. */
const OPEN = {
  [MAP]: () => ofMapLike(new Map()),
  [FLOOR]: (max) => ofMapLike(new LRUCache({ max })),
  'lru-cache ttl': (max) => ofMapLike(new LRUCache({ max, ttl: HOUR_MS })),
  mnemonist: (max) => ofMapLike(new LRUMap(max)),
  'quick-lru': (max) => ofMapLike(new QuickLRU({ maxSize: max })),
  'sieve-cache': (max) => ofMapLike(new SieveCache(max)),
  'tiny-lru': (max) => ofMapLike(tinyLru(max)),
  [DEFAULT]: (maxEntries) => withTtl({ maxEntries }),
  [WITHOUT_TTL]: (maxEntries) => withoutTtl({ maxEntries }),
  [BY_BYTES]: (maxEntries) => withTtl({ maxEntries, maxBytes: '8gb' }),
  'freshtier lru': (maxEntries) => withTtl({ maxEntries, eviction: 'lru' }),
  'freshtier fifo': (maxEntries) => withTtl({ maxEntries, eviction: 'fifo' }),
  'freshtier lfu': (maxEntries) => withTtl({ maxEntries, eviction: 'lfu' }),
  'freshtier sieve': (maxEntries) => withTtl({ maxEntries, eviction: 'sieve' }),
  'freshtier s3-fifo': (maxEntries) => withTtl({ maxEntries, eviction: 's3-fifo' }),
}

export const CONTENDERS = Object.keys(OPEN)
export const BOUNDED = CONTENDERS.filter((name) => name !== MAP)

export const openContender = (name, entries) => OPEN[name](entries)

function ofMapLike(cache) {
  return { get: (key) => cache.get(key), set: (key, value) => cache.set(key, value) }
}

/** The tier as the cache uses it: every entry has a ttl, and each read asks the coarse clock, which looks now and then. */
function withTtl(options) {
  const { tier, space, missing } = openTier(options)
  let nowMs = performance.now()
  let readsLeft = READS_PER_LOOK
  const coarseNow = () => {
    if (--readsLeft > 0) return nowMs
    readsLeft = READS_PER_LOOK
    nowMs = performance.now()
    return nowMs
  }
  return {
    get: (key) => {
      const value = tier.getFresh(space, key, coarseNow())
      return value === missing ? undefined : value
    },
    set: (key, value) => tier.set(space, key, entryOf(value, coarseNow() + HOUR_MS)),
  }
}

/** The tier with entries that never end, and nobody looks at the time: what a ttl costs is the difference. */
function withoutTtl(options) {
  const { tier, space, missing } = openTier(options)
  return {
    get: (key) => {
      const value = tier.getFresh(space, key, 0)
      return value === missing ? undefined : value
    },
    set: (key, value) => tier.set(space, key, entryOf(value, NEVER_MS)),
  }
}

function entryOf(value, freshUntilMs) {
  return { value, freshUntilMs, staleMs: 0, storedAtMs: 1.7e12, seen: 0, bytes: 1 }
}
