import { LRUCache } from 'lru-cache'

/** Bounded, nothing else: what a hit costs at least. */
export const lruCache = {
  name: 'lru-cache',
  open: ({ capacity }) => overLru(new LRUCache({ max: capacity })),
}

/** With a ttl, as a cache of database rows has. */
export const lruCacheTtl = {
  name: 'lru-cache ttl',
  open: ({ capacity, ttlMs }) => overLru(new LRUCache({ max: capacity, ttl: ttlMs })),
}

/** With its own single-flight. */
export const lruCacheFetch = {
  name: 'lru-cache fetch',
  open: ({ capacity, ttlMs, fill }) => {
    const cache = new LRUCache({ max: capacity, ttl: ttlMs, fetchMethod: (key) => fill(key) })
    return { getOrFill: (key) => cache.fetch(key) }
  },
}

function overLru(cache) {
  return {
    seed: (key, value) => cache.set(key, value),
    getOrFill: (key) => cache.get(key),
    peek: (key) => cache.get(key),
  }
}
