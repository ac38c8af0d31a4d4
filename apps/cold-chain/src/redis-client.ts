import { Redis, type RedisOptions } from 'ioredis'
import type { RedisAddress } from './settings.js'

/** Everything this app keeps in Redis begins with one of these, so that cache, jobs and sockets never meet. */
export const REDIS_PREFIX = {
  cache: 'cold-chain:cache:',
  jobs: 'cold-chain:jobs',
  sockets: 'cold-chain:sockets',
} as const

const CONNECT_MS = 3_000

/** A client whose commands fail at once while Redis is away, instead of piling up. It keeps trying to connect, for ever. */
export const FAIL_FAST = { enableOfflineQueue: false, maxRetriesPerRequest: 0 } as const satisfies RedisOptions

/** A client whose commands wait for Redis to come back: for what only listens. */
export const PATIENT = { enableOfflineQueue: true, maxRetriesPerRequest: null } as const satisfies RedisOptions

export function createRedisClient(address: RedisAddress, kind: RedisOptions, failed: (error: unknown) => void): Redis {
  const options: RedisOptions = {
    ...kind,
    connectTimeout: CONNECT_MS,
    // Nothing is under way any more when a client is closed.
    disconnectTimeout: 0,
    retryStrategy: (attempt: number) => Math.min(2_000, 100 * attempt),
  }
  const client = 'url' in address ? new Redis(address.url, options) : new Redis({ ...address, ...options })
  client.on('error', failed)
  return client
}
