import { once } from 'node:events'
import { redisTier } from 'freshtier/redis'
import { withDeadline } from '../deadline.js'
import { createRedisClient, FAIL_FAST, REDIS_PREFIX } from '../redis-client.js'
import type { RedisAddress } from '../settings.js'

export interface RedisConnection {
  readonly tier: ReturnType<typeof redisTier>
  readonly description: string
  /** Rejects when Redis does not answer in time. */
  ping(): Promise<void>
  close(): void
}

const CONNECT_MS = 3_000
const PING_MS = 1_000

/**
 * Connects the cache to Redis. A Redis that isn't there does not stop the start: the cache works without it,
 * `/health` says so, and the client keeps trying, for ever.
 */
export async function openRedis(redis: RedisAddress, failed: (error: unknown) => void): Promise<RedisConnection> {
  const client = createRedisClient(redis, FAIL_FAST, failed)
  await once(client, 'ready', { signal: AbortSignal.timeout(CONNECT_MS) }).catch(() => {})
  const address = `${client.options.host}:${client.options.port}`
  return {
    tier: redisTier({ client, prefix: REDIS_PREFIX.cache }),
    description: `Redis at ${address}`,
    async ping() {
      await withDeadline(client.ping(), PING_MS, `Redis at ${address}`)
    },
    close: () => client.disconnect(),
  }
}
