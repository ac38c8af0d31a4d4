import { createCache } from 'async-cache-dedupe'

export const asyncCacheDedupe = {
  name: 'async-cache-dedupe',
  open: ({ capacity, ttlMs, fill }) => {
    const cache = createCache({ ttl: ttlMs / 1_000, storage: { type: 'memory', options: { size: capacity } } })
    cache.define('load', (key) => fill(key))
    return { getOrFill: (key) => cache.load(key) }
  },
}
