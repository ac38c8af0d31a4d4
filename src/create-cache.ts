import type { CacheOptions } from './core/cache-options.js'
import { type Cache, createCacheWith } from './core/create-cache.js'
import { memoryTier } from './memory/memory-tier.js'

/**
 * Makes a cache. With nothing but a ttl: memory only, 64 MB.
 *
 * ```ts
 * const cache = createCache({ ttl: '60s' })
 * const user = await cache.getOrFill('user:1', () => db.user(1))
 * ```
 *
 * @throws InvalidOptionError naming the field, the value and the rule.
 */
export function createCache(options: CacheOptions = {}): Cache {
  return createCacheWith(memoryTier, options)
}
