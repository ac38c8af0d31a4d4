import { type Cache, definePolicy } from '../../src/index.js'

type Tables = Record<string, unknown>[]
type Adjacency = Map<string, Set<string>>

/**
 * The synchronous cache of a capacity server, with the call shapes that its callers have had for years, over two sync
 * views. Shows what such an adapter looks like; the suite beside it says what its callers rely on.
 */
export function createCapacityCache(cache: Cache) {
  const inventory = cache.syncView(definePolicy<Tables | null, string>({ name: 'inventory', ttl: '30s', jitter: 0 }))
  const adjacency = cache.syncView(definePolicy<Adjacency, string>({ name: 'adjacency', ttl: '30s', jitter: 0 }))
  const life = (ttlMs: number | undefined) => (ttlMs === undefined ? {} : { ttl: `${ttlMs}ms` as const })
  return {
    getInventoryCache: (restaurantId: string): Tables | null => inventory.get(restaurantId) ?? null,
    setInventoryCache: (restaurantId: string, tables: Tables, ttlMs?: number): void =>
      inventory.set(restaurantId, tables, life(ttlMs)),
    invalidateInventoryCache: (restaurantId: string): void => inventory.invalidate(restaurantId),
    getAdjacencyCache: (restaurantId: string): Adjacency | null => adjacency.get(restaurantId) ?? null,
    setAdjacencyCache: (restaurantId: string, neighbours: Adjacency, ttlMs?: number): void =>
      adjacency.set(restaurantId, neighbours, life(ttlMs)),
    invalidateAdjacencyCache: (restaurantId: string): void => adjacency.invalidate(restaurantId),
    isDistributedCacheEnabled: (): boolean => Object.keys(cache.stats().tiers).length > 1,
  }
}

export type CapacityCache = ReturnType<typeof createCapacityCache>
