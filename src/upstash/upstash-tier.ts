import type { SharedTierContext, SharedTierDefinition } from '../core/ports/shared-tier.js'
import { systemClock } from '../core/system-clock.js'
import { RedisTier } from '../redis-protocol/redis-tier.js'
import { UnfencedConnection } from './unfenced-connection.js'
import { UpstashConnection } from './upstash-connection.js'
import { checkUpstashTierOptions, type UpstashTierOptions } from './upstash-tier-options.js'

/** What `upstashTier` returns. */
export interface UpstashTierDefinition extends SharedTierDefinition {
  /**
   * Asks the server once whether address, token and scripts are what the tier needs. Awaited at start, it keeps a
   * wrong deployment from running; nothing else needs it.
   *
   * @throws CacheError `SCRIPTS_UNAVAILABLE`, `SHARED_TIER_FAILED` or `SHARED_TIER_TIMEOUT`.
   */
  check(): Promise<void>
}

/**
 * The shared tier on Upstash, or on another server with its REST API. Made for functions that are frozen between two
 * requests: it holds no connection, sets no timer and sends nothing while nobody reads.
 *
 * ```ts
 * const cache = createCache({
 *   name: 'main',
 *   tiers: [memoryTier(), upstashTier({ url: process.env.UPSTASH_REDIS_REST_URL!, token: process.env.UPSTASH_REDIS_REST_TOKEN! })],
 * })
 * ```
 */
export function upstashTier(options: UpstashTierOptions): UpstashTierDefinition {
  const settings = checkUpstashTierOptions(options)
  return Object.freeze({
    kind: 'shared',
    name: settings.name,
    open: (context: SharedTierContext) => {
      const connection = new UpstashConnection(settings, context.clock)
      return new RedisTier(
        settings,
        settings.fencing === 'none' ? new UnfencedConnection(connection) : connection,
        context,
      )
    },
    check: async () => {
      const connection = new UpstashConnection(settings, systemClock)
      await connection.send(['ECHO', 'freshtier'])
    },
  })
}
