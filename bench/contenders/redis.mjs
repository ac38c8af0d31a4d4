// Caches whose entries lie in Redis and nowhere else, each over the client it prefers.
import { Cluster, Redis } from 'ioredis'

/**
 * `open({ ports, ttlMs })`: one port, or those of a cluster. A side answers `set(key, value)`, `get(key)` and, where it
 * can, `invalidateTag(tag)` and `invalidatePattern(pattern)`; `set` takes tags.
 */
export const redisContenders = {
  'ioredis GET': ({ ports, ttlMs }) => {
    const client = clientOf(ports)
    return {
      set: (key, value) => client.set(key, JSON.stringify(value), 'PX', ttlMs),
      get: async (key) => JSON.parse(await client.get(key)),
    }
  },

  'node-redis GET': async ({ ports, ttlMs }) => {
    const client = await nodeRedisOf(ports)
    return {
      set: (key, value) => client.set(key, JSON.stringify(value), { expiration: { type: 'PX', value: ttlMs } }),
      get: async (key) => JSON.parse(await client.get(key)),
    }
  },

  freshtier: async (options) => freshtier(options, clientOf(options.ports)),

  'freshtier, node-redis': async (options) => freshtier(options, await nodeRedisOf(options.ports)),

  bentocache: async ({ ports, ttlMs }) => {
    const { BentoCache, bentostore } = await import('bentocache')
    const { redisDriver } = await import('bentocache/drivers/redis')
    const connection = clientOf(ports)
    const store = bentostore({ ttl: ttlMs }).useL2Layer(redisDriver({ connection }))
    const cache = new BentoCache({ default: 'redis', stores: { redis: store } })
    return {
      set: (key, value, tags) => cache.set({ key, value, tags }),
      get: (key) => cache.getOrSet({ key, factory: missed }),
      invalidateTag: (tag) => cache.deleteByTag({ tags: [tag] }),
    }
  },

  'layered-loader': async ({ ports, ttlMs }) => {
    const { Loader, RedisCache } = await import('layered-loader')
    const asyncCache = new RedisCache(clientOf(ports), { json: true, ttlInMsecs: ttlMs })
    const loader = new Loader({ inMemoryCache: false, asyncCache, dataSourceGetOneFn: missed })
    return { set: (key, value) => asyncCache.set(key, value), get: (key) => loader.get(key) }
  },
}

async function freshtier({ ttlMs }, client) {
  const { createCache, definePolicy } = await import('freshtier')
  const { redisTier } = await import('freshtier/redis')
  // A machine that measures is busy: nobody gives up, and no lease ends, because of that.
  const tier = redisTier({ client, commandTimeout: '5s' })
  const cache = createCache({ name: 'bench', tiers: [tier], maxStaleness: '10s' })
  const coordinate = { leaseMs: 60_000, waitMs: 30_000 }
  const entry = definePolicy({ name: 'entry', ttl: `${ttlMs}ms`, coordinate, fill: missed })
  return {
    set: (key, value, tags) => cache.set(entry, key, value, { tags }),
    get: (key) => cache.getOrFill(entry, key),
    invalidateTag: (tag) => cache.invalidate({ tags: [tag] }),
    invalidatePattern: (pattern) => cache.invalidatePattern(entry, pattern),
  }
}

function clientOf(ports) {
  const nodes = ports.map((port) => ({ host: '127.0.0.1', port }))
  return nodes.length === 1 ? new Redis(nodes[0]) : new Cluster(nodes)
}

async function nodeRedisOf(ports) {
  const { createClient, createCluster } = await import('redis')
  const sockets = ports.map((port) => ({ socket: { host: '127.0.0.1', port } }))
  return (sockets.length === 1 ? createClient(sockets[0]) : createCluster({ rootNodes: sockets })).connect()
}

/** Everything asked for was stored before. */
async function missed(key) {
  throw new Error(`${key} missed`)
}
