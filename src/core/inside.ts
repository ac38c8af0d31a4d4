import { InvalidOptionError } from './errors.js'
import type { HitTally } from './hit-tally.js'
import type { SharedTier } from './ports/shared-tier.js'
import type { RegisteredPolicy } from './space.js'

/** What this package's own functions may see of a cache, and its callers may not. */
export interface Inside {
  readonly hits: HitTally
  readonly shared: SharedTier | undefined
  readonly maxStalenessMs: number
  readonly policies: () => Iterable<RegisteredPolicy>
}

const insides = new WeakMap<object, Inside>()

/** Called once for every cache, where it is made. */
export function admit(cache: object, inside: Inside): void {
  insides.set(cache, inside)
}

/** @throws InvalidOptionError, naming `field`, if it was not made by `createCache`. */
export function insideOf(cache: object, field: string): Inside {
  const inside = insides.get(cache)
  if (inside) return inside
  throw new InvalidOptionError({ field, value: cache, rule: 'must be made by createCache' })
}
