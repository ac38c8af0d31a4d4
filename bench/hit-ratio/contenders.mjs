import { SieveCache } from '@neophi/sieve-cache'
import { LRUCache } from 'lru-cache'
import { LRUMap } from 'mnemonist'
import QuickLRU from 'quick-lru'
import { lru as tinyLru } from 'tiny-lru'
import { openTier } from './open-tier.mjs'

/** `w-tinylfu` and `s3-fifo` depend on the seed of their hashes: of these seeds the median counts. */
const SEEDS = [1, 2, 3, 4, 5]

/** Every eviction of the memory tier; the default first. */
export const EVICTIONS = ['w-tinylfu', 's3-fifo', 'sieve', 'lru', 'lfu', 'fifo']

/** Caches of the same ecosystem. quick-lru holds up to twice its `maxSize`. */
const RIVALS = {
  'lru-cache': (entries) => new LRUCache({ max: entries }),
  mnemonist: (entries) => new LRUMap(entries),
  'quick-lru': (entries) => new QuickLRU({ maxSize: entries }),
  'sieve-cache': (entries) => new SieveCache(entries),
  'tiny-lru': (entries) => tinyLru(entries),
}

export const CONTENDERS = [...EVICTIONS.map((eviction) => `freshtier ${eviction}`), ...Object.keys(RIVALS)]

const evictionOf = (contender) => EVICTIONS.find((eviction) => contender === `freshtier ${eviction}`)

export function seedsOf(contender) {
  return ['w-tinylfu', 's3-fifo'].includes(evictionOf(contender)) ? SEEDS : SEEDS.slice(0, 1)
}

/** A cache of so many entries, as `replay` wants it. */
export function openContender(contender, { entries, seed }) {
  const eviction = evictionOf(contender)
  if (eviction) return openOurs({ eviction, maxEntries: entries }, { seed, sizeOf: () => undefined })
  const cache = RIVALS[contender](entries)
  return { get: (key) => cache.get(key) !== undefined, set: (key) => cache.set(key, true) }
}

/** One eviction behind the memory tier's own door. Counting must not depend on how short this machine's memory is. */
export function openOurs(options, { seed, sizeOf }) {
  const { tier, space, missing } = openTier({ ...options, pressure: false }, seed)
  return {
    get: (key) => tier.getFresh(space, key, 0) !== missing,
    set: (key) =>
      tier.set(space, key, { value: true, freshUntilMs: 1e12, staleMs: 0, storedAtMs: 0, seen: 0, bytes: sizeOf(key) }),
    usage: () => tier.usage(),
  }
}
