import type { SharedTierContext, SharedTierDefinition } from '../core/ports/shared-tier.js'
import { RedisTier } from '../redis-protocol/redis-tier.js'
import { checkRedisTierOptions, type RedisTierOptions } from './redis-tier-options.js'

/**
 * The shared tier on Redis 6.2 or later: one server, the primary behind Sentinel, or a Cluster.
 *
 * ```ts
 * import { Redis } from 'ioredis'
 *
 * const cache = createCache({
 *   name: 'main',
 *   tiers: [memoryTier(), redisTier({ client: new Redis(process.env.REDIS_URL), prefix: 'shop:' })],
 * })
 * ```
 */
export function redisTier(options: RedisTierOptions): SharedTierDefinition {
  const settings = checkRedisTierOptions(options)
  return Object.freeze({
    kind: 'shared',
    name: 'redis',
    open: (context: SharedTierContext) => new RedisTier(settings, settings.connection, context),
  })
}
