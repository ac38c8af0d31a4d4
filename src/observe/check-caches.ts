import type { Cache } from '../core/create-cache.js'
import { InvalidOptionError } from '../core/errors.js'
import { checkMethods } from '../core/options.js'

/** One cache or several of different names, as an array. */
export function checkCaches(value: unknown, field: string): readonly Cache[] {
  const caches = (Array.isArray(value) ? value : [value]) as readonly Cache[]
  if (caches.length === 0) throw new InvalidOptionError({ field, value, rule: 'must name at least one cache' })
  const names = new Set<string>()
  for (const cache of caches) {
    checkMethods(cache, ['stats', 'on', 'policies', 'ping', 'tenant'], field)
    const { name } = cache.stats()
    if (names.has(name)) {
      throw new InvalidOptionError({
        field,
        value: name,
        rule: 'must not hold two caches of one name; give each its own: createCache({ name })',
      })
    }
    names.add(name)
  }
  return caches
}
