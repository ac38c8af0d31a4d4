import type { SharedTier, StoreRequest } from '../../../src/core/ports/shared-tier.js'
import { systemClock } from '../../../src/core/system-clock.js'
import { systemRandom } from '../../../src/core/system-random.js'
import { type RedisClient, type RedisTierOptions, redisTier } from '../../../src/redis/index.js'

export const NAMESPACE = '5:org-7'
export const KEY = '5:org-7|unit-counts@1|all'

/** The tier as a cache named 'test' opens it. */
export function openRedisTier(client: RedisClient, options: Partial<RedisTierOptions> = {}): SharedTier {
  return redisTier({ client, ...options }).open({ cacheName: 'test', clock: systemClock, random: systemRandom })
}

/** Stores entries as a cache's `set` does: under leases of its own, taken from whoever has them. */
export async function setEntries(
  tier: SharedTier,
  namespace: string,
  requests: readonly StoreRequest[],
): Promise<readonly string[]> {
  const stores = requests.map((request) => ({ ...request, token: systemRandom.fillId() }))
  await tier.acquire(
    namespace,
    stores.map(({ key, token }) => ({ key, token, leaseMs: 10_000, takes: true })),
  )
  return (await tier.set(namespace, stores, '["x"]')).outcomes
}
