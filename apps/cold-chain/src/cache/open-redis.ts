import { once } from 'node:events'
import type { redisTier } from 'freshtier/redis'
import { withDeadline } from '../deadline.js'

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
 * Loads the Redis packages and connects. A Redis that isn't there does not stop the start: the cache works without it,
 * `/health` says so, and the client keeps trying, for ever.
 */
export async function openRedis(
  target: { url: string } | { host: string; port: number },
  failed: (error: unknown) => void,
): Promise<RedisConnection> {
  const [{ Redis }, { redisTier }] = await Promise.all([import('ioredis'), import('freshtier/redis')])
  // Without a queue and without retries a command fails at once while Redis is away, instead of hanging.
  const options = {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    retryStrategy: (attempt: number) => Math.min(2_000, 100 * attempt),
  }
  const client = 'url' in target ? new Redis(target.url, options) : new Redis({ ...target, ...options })
  client.on('error', failed)
  await once(client, 'ready', { signal: AbortSignal.timeout(CONNECT_MS) }).catch(() => {})
  const address = `${client.options.host}:${client.options.port}`
  return {
    tier: redisTier({ client }),
    description: `Redis at ${address}`,
    async ping() {
      await withDeadline(client.ping(), PING_MS, `Redis at ${address}`)
    },
    close: () => client.disconnect(),
  }
}
