// Caches with memory in front of Redis, each as its documentation sets it up for several processes.
import { Redis } from 'ioredis'

/**
 * `open({ port, ttlMs, fill, tagOf })`: a side answers `getOrFill(key)`, `delete(key)` and, where it can,
 * `invalidateTag(tag)`, which ends every entry whose `tagOf(key)` it is.
 */
export const twoLevelContenders = {
  freshtier: async ({ port, ttlMs, fill, tagOf }) => {
    const { createCache, definePolicy, memoryTier } = await import('freshtier')
    const { redisTier } = await import('freshtier/redis')
    const cache = createCache({ name: 'bench', tiers: [memoryTier(), redisTier({ client: clientOf(port) })] })
    const entry = definePolicy({
      name: 'entry',
      ttl: `${ttlMs}ms`,
      fill: (key) => fill(key),
      tags: (key) => [tagOf(key)],
    })
    return {
      getOrFill: (key) => cache.getOrFill(entry, key),
      delete: (key) => cache.delete(entry, key),
      invalidateTag: (tag) => cache.invalidate({ tags: [tag] }),
    }
  },

  bentocache: async ({ port, ttlMs, fill, tagOf }) => {
    const { BentoCache, bentostore } = await import('bentocache')
    const { memoryDriver } = await import('bentocache/drivers/memory')
    const { redisBusDriver, redisDriver } = await import('bentocache/drivers/redis')
    const store = bentostore({ ttl: ttlMs })
      .useL1Layer(memoryDriver({ maxItems: 10_000 }))
      .useL2Layer(redisDriver({ connection: clientOf(port) }))
      .useBus(redisBusDriver({ connection: { host: '127.0.0.1', port } }))
    const cache = new BentoCache({ default: 'both', stores: { both: store } })
    return {
      getOrFill: (key) => cache.getOrSet({ key, factory: () => fill(key), tags: [tagOf(key)] }),
      delete: (key) => cache.delete({ key }),
      invalidateTag: (tag) => cache.deleteByTag({ tags: [tag] }),
    }
  },

  'layered-loader': async ({ port, ttlMs, fill }) => {
    const { createNotificationPair, Loader, RedisCache } = await import('layered-loader')
    const { publisher, consumer } = createNotificationPair({
      channel: 'bench',
      consumerRedis: clientOf(port),
      publisherRedis: clientOf(port),
    })
    const loader = new Loader({
      inMemoryCache: { cacheType: 'lru-map', ttlInMsecs: ttlMs, maxItems: 10_000 },
      asyncCache: new RedisCache(clientOf(port), { json: true, prefix: 'bench', ttlInMsecs: ttlMs }),
      dataSourceGetOneFn: fill,
      notificationConsumer: consumer,
      notificationPublisher: publisher,
      logger: { error: () => {} },
    })
    await loader.init()
    return { getOrFill: (key) => loader.get(key), delete: (key) => loader.invalidateCacheFor(key) }
  },

  cacheable: async ({ port, ttlMs, fill }) => {
    const { Cacheable, KeyvCacheableMemory } = await import('cacheable')
    const { default: KeyvRedis } = await import('@keyv/redis')
    const { Keyv } = await import('keyv')
    const cache = new Cacheable({
      primary: new Keyv({ store: new KeyvCacheableMemory({ lruSize: 10_000 }) }),
      secondary: new Keyv({ store: new KeyvRedis(`redis://127.0.0.1:${port}`) }),
      ttl: ttlMs,
    })
    cache.on('error', () => {})
    return {
      getOrFill: (key) => cache.getOrSet(key, () => fill(key), { throwErrors: true }),
      delete: (key) => cache.delete(key),
    }
  },

  /** One level: its memory store cannot stand in front of Redis. */
  'async-cache-dedupe': async ({ port, ttlMs, fill, tagOf }) => {
    const { createCache } = await import('async-cache-dedupe')
    const seconds = Math.ceil(ttlMs / 1_000)
    const storage = { type: 'redis', options: { client: clientOf(port), invalidation: { referencesTTL: seconds } } }
    const cache = createCache({ ttl: seconds, storage })
    cache.define('load', { references: (key) => [tagOf(key)] }, (key) => fill(key))
    return {
      getOrFill: (key) => cache.load(key),
      delete: (key) => cache.clear('load', key),
      invalidateTag: (tag) => cache.invalidateAll(tag),
    }
  },
}

/** Those that can end entries by tag. */
export const TAGGING = ['freshtier', 'bentocache', 'async-cache-dedupe']

function clientOf(port) {
  const client = new Redis({ host: '127.0.0.1', port })
  client.on('error', () => {})
  return client
}
