// The shape of @lorm/core's cache over freshtier: memory in front of a directory. See README.md.
import { createHash } from 'node:crypto'
import { createCache, definePolicy, memoryTier } from 'freshtier'
import { directoryStats, diskTier } from 'freshtier/disk'

const FIVE_MINUTES = 300_000
const TEN_MB = 10 * 1024 * 1024
const LARGEST_TTL_MS = 730 * 86_400_000

/** `ttl` 0 or less means "do not keep", not "the default". */
const durationOf = (ttlMs) => `${Math.min(LARGEST_TTL_MS, Math.max(0, ttlMs))}ms`

export class BaseCache {
  #cache
  #policy
  #ttl
  #listeners = new Set()
  #sets = 0
  #started = Date.now()

  /**
   * @param {object} options `cacheId`, `cacheDir`, `ttl` (ms), `enabled`, `maxSize`, `maxMemoryEntries`, `compression`,
   *   `compressionThreshold`, `partitionCount`, `circuitBreaker`: each of them takes effect.
   */
  constructor(options = {}) {
    const { cacheId = 'default', cacheDir = '.lorm/cache', ttl = FIVE_MINUTES, enabled = true } = options
    this.#ttl = ttl
    this.#policy = definePolicy({ name: 'lorm', ttl: durationOf(ttl), jitter: 0 })
    if (!enabled || process.env.LORM_CACHE === 'false') return
    this.#cache = createCache({
      name: cacheId,
      tiers: [
        memoryTier({ maxEntries: options.maxMemoryEntries ?? 100 }),
        diskTier({
          directory: `${cacheDir}/${cacheId}`,
          maxBytes: '256mb',
          maxEntryBytes: options.maxSize ?? TEN_MB,
          partitions: options.partitionCount ?? 256,
          compression: compressionOf(options),
          breaker: breakerOf(options.circuitBreaker),
          eviction: 'lru',
        }),
      ],
    })
  }

  /** `inputHash`: what the value was made from; another one is a miss. */
  get(key, inputHash) {
    return this.#told('get', key, async () => {
      const held = await this.#cache?.get(this.#policy, key)
      if (held === undefined || (inputHash !== undefined && held.inputHash !== inputHash)) return null
      return held.data
    })
  }

  set(key, data, ttl = this.#ttl, inputHash = undefined) {
    return this.#told('set', key, async () => {
      this.#sets++
      const value = inputHash === undefined ? { data } : { data, inputHash }
      if (ttl <= 0) await this.#cache?.delete(this.#policy, key)
      else await this.#cache?.set(this.#policy, key, value, { ttl: durationOf(ttl) })
    })
  }

  delete(key) {
    return this.#told('delete', key, async () => void (await this.#cache?.delete(this.#policy, key)))
  }

  clear() {
    return this.#told('clear', '*', async () => void (await this.#cache?.clear()))
  }

  async has(key) {
    return (await this.#cache?.get(this.#policy, key)) !== undefined
  }

  /** Nothing to do: what has expired is a miss, and leaves with its segment. */
  cleanup() {
    return this.#told('cleanup', '*', async () => {})
  }

  createHash(input) {
    return createHash('sha256').update(JSON.stringify(input)).digest('hex')
  }

  async batchGet(keys) {
    const found = (await this.#cache?.getMany(this.#policy, keys)) ?? new Map()
    return keys.map((key) => ({ key, success: true, data: found.get(key)?.data ?? null }))
  }

  /** All of them are there after a crash, or none; one that cannot be kept does not fail the rest. */
  async batchSet(entries) {
    const results = new Map()
    for (const [ttl, group] of Map.groupBy?.(entries, byTtl) ?? groupBy(entries, byTtl)) {
      const options = ttl === undefined ? {} : { ttl: durationOf(ttl) }
      const pairs = group.map(({ key, data }) => [key, { data }])
      const outcomes = (await this.#cache?.setMany(this.#policy, pairs, options)) ?? new Map()
      for (const { key } of group) results.set(key, outcomes.get(key))
    }
    return entries.map(({ key }) => {
      const outcome = results.get(key)
      return outcome?.state === 'failed'
        ? { key, success: false, error: outcome.error.message }
        : { key, success: true }
    })
  }

  async batchDelete(keys) {
    await this.#cache?.deleteMany(this.#policy, keys)
    return keys.map((key) => ({ key, success: true }))
  }

  async batchHas(keys) {
    const found = (await this.#cache?.getMany(this.#policy, keys)) ?? new Map()
    return keys.map((key) => ({ key, success: true, data: found.has(key) }))
  }

  getStats() {
    const stats = this.#cache?.stats()
    const { memory, disk } = stats?.tiers ?? {}
    const hits = stats?.hits ?? 0
    const misses = stats?.misses ?? 0
    return {
      memoryEntries: memory?.entries ?? 0,
      diskEntries: disk?.entries ?? 0,
      totalSize: disk?.bytes ?? 0,
      hitRate: hits + misses === 0 ? 0 : hits / (hits + misses),
      totalHits: hits,
      totalMisses: misses,
      totalSets: this.#sets,
      expiredEntries: memory?.expired ?? 0,
      checksumFailures: disk?.damaged ?? 0,
      uptime: Date.now() - this.#started,
    }
  }

  on(_event, listener) {
    this.#listeners.add(listener)
  }

  off(_event, listener) {
    this.#listeners.delete(listener)
  }

  async destroy() {
    await this.#cache?.close()
  }

  async #told(operation, key, work) {
    const startedAt = performance.now()
    const tell = (success, error) => {
      const event = { operation, key, success, duration: performance.now() - startedAt, ...(error && { error }) }
      for (const listener of this.#listeners) listener(event)
    }
    try {
      const result = await work()
      tell(true)
      return result
    } catch (error) {
      tell(false, error.message)
      throw error
    }
  }
}

export class CacheManager {
  #caches = new Map()
  #defaults

  constructor(defaults = {}) {
    this.#defaults = defaults
  }

  getCache(name) {
    return this.#caches.get(name) ?? this.createCache(name)
  }

  createCache(name, options = {}) {
    if (this.#caches.has(name)) throw new Error(`A cache called '${name}' exists already.`)
    const cache = new BaseCache({ ...this.#defaults, ...options, cacheId: name })
    this.#caches.set(name, cache)
    return cache
  }

  async removeCache(name) {
    const cache = this.#caches.get(name)
    this.#caches.delete(name)
    await cache?.destroy()
  }

  getCacheNames() {
    return [...this.#caches.keys()]
  }

  getGlobalStats() {
    return Object.fromEntries([...this.#caches].map(([name, cache]) => [name, cache.getStats()]))
  }

  getGlobalStatsSummary() {
    const all = Object.values(this.getGlobalStats())
    const sum = (field) => all.reduce((total, stats) => total + stats[field], 0)
    return {
      totalCaches: all.length,
      totalMemoryEntries: sum('memoryEntries'),
      totalSize: sum('totalSize'),
      totalHits: sum('totalHits'),
      totalMisses: sum('totalMisses'),
      averageHitRate: all.length === 0 ? 0 : sum('hitRate') / all.length,
    }
  }

  async clearAll() {
    await Promise.all([...this.#caches.values()].map((cache) => cache.clear()))
  }

  async cleanupAll() {
    await Promise.all([...this.#caches.values()].map((cache) => cache.cleanup()))
  }

  async destroy() {
    await Promise.all(this.getCacheNames().map((name) => this.removeCache(name)))
  }
}

/** The operations of the command line, over a manager. */
export async function clearCache(manager) {
  const clearedCaches = manager.getCacheNames()
  try {
    await manager.clearAll()
    return { success: true, message: `Successfully cleared ${clearedCaches.length} caches`, clearedCaches }
  } catch (error) {
    return { success: false, message: `Failed to clear cache: ${error.message}`, clearedCaches: [] }
  }
}

export function getCacheStats(manager) {
  return { global: manager.getGlobalStatsSummary(), individual: manager.getGlobalStats() }
}

export function getCacheStatsWithFileSystem(manager, cacheDir = '.lorm/cache') {
  const directories = manager.getCacheNames().map((name) => directoryStats(`${cacheDir}/${name}`))
  const sum = (field) => directories.reduce((total, stats) => total + stats[field], 0)
  return {
    ...getCacheStats(manager),
    fileSystem: { totalFiles: sum('files') + sum('segments'), totalSize: sum('bytes') },
  }
}

function compressionOf({ compression = true, compressionThreshold = 1024 }) {
  const isEnabled = typeof compression === 'object' ? compression.enabled : compression
  if (!isEnabled) return 'none'
  return { codec: 'gzip', level: compression.level ?? 6, minBytes: compressionThreshold }
}

function breakerOf({ failureThreshold = 5, successThreshold = 3, timeout = 30_000, monitoringWindow = 60_000 } = {}) {
  return { failureThreshold, successThreshold, timeout: `${timeout}ms`, window: `${monitoringWindow}ms` }
}

function byTtl({ ttl }) {
  return ttl
}

/** `Map.groupBy` for Node 20. */
function groupBy(items, keyOf) {
  const groups = new Map()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}
