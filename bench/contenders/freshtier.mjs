import { createCache, definePolicy, memoryTier } from 'freshtier'

/** As it comes: w-tinylfu, bounded by 64 MB. */
export const freshtier = { name: 'freshtier', open: (options) => open(options, memoryTier()) }

/** Bounded by entries, as the rivals are. */
export const freshtierTinyLfu = {
  name: 'freshtier w-tinylfu',
  open: (options) => open(options, memoryTier({ maxEntries: options.capacity })),
}

/** The same eviction, too. */
export const freshtierLru = {
  name: 'freshtier lru',
  open: (options) => open(options, memoryTier({ maxEntries: options.capacity, eviction: 'lru' })),
}

function open({ ttlMs, fill }, tier) {
  const cache = createCache({ tiers: [tier] })
  const policy = definePolicy({ name: 'entry', ttl: `${ttlMs}ms`, fill: (key) => fill(key) })
  return { getOrFill: (key) => cache.getOrFill(policy, key), peek: (key) => cache.peek(policy, key) }
}
