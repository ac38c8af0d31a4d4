import type { Cache } from '../core/create-cache.js'
import { CacheError, InvalidOptionError } from '../core/errors.js'
import { checkMethods } from '../core/options.js'

let current: Cache | undefined

/**
 * The cache of this process, for code that gets none passed in.
 *
 * @throws CacheError `NO_CACHE` before `setCache`, or before the plugin with `singleton: true` was registered.
 */
export function getCache(): Cache {
  if (current !== undefined) return current
  throw new CacheError(
    'NO_CACHE',
    'No cache was set in this process. Call setCache(cache), or register the plugin with singleton: true, first.',
  )
}

/**
 * Makes a cache the one of this process.
 *
 * @throws InvalidOptionError if another one is set: `clearCache` first.
 */
export function setCache(cache: Cache): void {
  checkMethods(cache, ['getOrFill', 'tenant', 'close'], 'setCache: cache')
  if (current !== undefined && current !== cache) {
    throw new InvalidOptionError({
      field: 'setCache: cache',
      value: cache.stats().name,
      rule: `must be the only one of its process; '${current.stats().name}' is set already`,
    })
  }
  current = cache
}

/** Forgets it; with an argument only if it is the one. The cache stays open. */
export function clearCache(cache?: Cache): void {
  if (cache === undefined || cache === current) current = undefined
}
