import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import { freshtier } from '../../../src/fastify/index.js'
import { type Cache, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { freePort } from '../../servers/free-port.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'

export const TOKEN = 'a-token-of-the-operator'
/** What would run if a page made markup of text. */
export const MARKUP = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>'
export const SECRET = 'a-cached-secret'

export const quick = definePolicy({ name: 'quick', ttl: '10m', tags: () => ['quick', 'all'] })
export const slow = definePolicy({ name: 'slow', ttl: '10m', tags: () => ['all'] })

/** A service with the console, over memory and a Redis of its own that can be killed. */
export interface WatchedService {
  readonly cache: Cache
  readonly url: string
  /** What some tenants ask for: of policies `slow` is the slowest, of tenants `noisy` the noisiest. */
  work(): Promise<void>
  killRedis(): Promise<void>
  startRedis(): Promise<void>
  /** The same service on the same port, in a new server. */
  restart(): Promise<void>
  close(): Promise<void>
}

export async function startWatchedService(
  { token }: { token: string | undefined } = { token: TOKEN },
): Promise<WatchedService> {
  const redisPort = await freePort()
  let redis: RedisServer = await startRedisServer({ port: redisPort })
  // Not the server's own client: it has to outlive the server.
  const client = new Redis({ host: '127.0.0.1', port: redisPort, retryStrategy: () => 100 })
  client.on('error', () => {})
  const cache = createCache({
    name: 'shop',
    tiers: [memoryTier(), redisTier({ client })],
    policies: [quick, slow],
  })
  let app = await openApp(cache, { token, port: 0 })
  const { port } = app.server.address() as AddressInfo
  return {
    cache,
    url: `http://127.0.0.1:${port}/freshtier`,
    async work() {
      const of = (name: string) => cache.tenant(name)
      for (let n = 0; n < 3; n++) await of('calm').getOrFill(slow, `key-${n}`, () => later({ secret: SECRET }))
      for (let n = 0; n < 40; n++) await of('noisy').getOrFill(quick, `key-${n % 4}`, () => ({ secret: SECRET }))
      for (let n = 0; n < 2; n++) await of(MARKUP).getOrFill(quick, MARKUP, () => MARKUP)
      await of(MARKUP).invalidate({ tags: [MARKUP] })
      await of('calm')
        .getOrFill(slow, 'broken', () => Promise.reject(new Error(MARKUP)))
        .catch(() => {})
    },
    killRedis: () => redis.stop(),
    async startRedis() {
      redis = await startRedisServer({ port: redisPort })
    },
    async restart() {
      await app.close()
      app = await openApp(cache, { token, port })
    },
    async close() {
      await app.close()
      await cache.close()
      client.disconnect()
      await redis.stop()
    },
  }
}

async function openApp(
  cache: Cache,
  { token, port }: { token: string | undefined; port: number },
): Promise<FastifyInstance> {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(freshtier, { cache, console: { token } })
  await app.listen({ host: '127.0.0.1', port })
  return app
}

/** A fill that takes its time. */
function later<T>(value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, 20, value))
}
