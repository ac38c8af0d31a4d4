import { LRUCache } from 'lru-cache'
import { EVICTIONS, openOurs, seedsOf } from '../hit-ratio/contenders.mjs'

/** A larger entry is refused: the memory tier's own default. */
const LARGEST_SHARE = 0.25

/** Of the rivals only lru-cache can be bounded by bytes. */
export const CONTENDERS = [...EVICTIONS.map((eviction) => `freshtier ${eviction}`), 'lru-cache']

export { seedsOf }

/**
 * A cache of so many bytes. Every entry is charged alike in both: its value, and what the memory tier charges for its
 * own structure, so that the difference is who was kept and not who counts how.
 */
export function openContender(contender, { maxBytes, sizes, seed }) {
  if (contender !== 'lru-cache') {
    const eviction = contender.replace('freshtier ', '')
    return openOurs({ eviction, maxBytes }, { seed, sizeOf: (key) => sizes[key] })
  }
  const overhead = overheadBytes()
  const cache = new LRUCache({
    maxSize: maxBytes,
    maxEntrySize: Math.ceil(maxBytes * LARGEST_SHARE),
    sizeCalculation: (_, key) => sizes[key] + overhead,
  })
  return { get: (key) => cache.get(key) !== undefined, set: (key) => cache.set(key, true) }
}

/** What the memory tier with its default eviction charges for an entry beside key and value. */
function overheadBytes() {
  const tier = openOurs({ maxBytes: '1mb' }, { seed: 1, sizeOf: () => 0 })
  tier.set(1)
  return tier.usage().bytes
}
