import { type Cache, createCache, memoryTier } from 'freshtier'
import type { Questions } from '../dashboard/questions.js'
import type { CacheSettings } from '../settings.js'
import { openRedis, type RedisConnection } from './open-redis.js'

export interface AppCache {
  /** None with `CACHE=off`. */
  readonly cache: Cache | undefined
  readonly redis: RedisConnection | undefined
  /** For people: which tiers, and where. */
  readonly description: string
  close(): Promise<void>
}

export interface OpenCacheOptions {
  readonly settings: CacheSettings
  readonly questions: Questions
  readonly failed: (what: string, error: unknown) => void
}

/** Memory only, memory in front of Redis, or Redis alone: the rest of the app doesn't know which. */
export async function openCache({ settings, questions, failed }: OpenCacheOptions): Promise<AppCache> {
  const { mode } = settings
  if (mode === 'off')
    return {
      cache: undefined,
      redis: undefined,
      description: 'off (every query goes to the database)',
      close: async () => {},
    }

  const redis =
    mode !== 'memory' && settings.redis ? await openRedis(settings.redis, (error) => failed('redis', error)) : undefined
  const memory = mode === 'shared' ? [] : [memoryTier({ maxBytes: settings.memory })]
  const shared = redis ? [redis.tier] : []
  const cache = createCache({
    name: 'coldchain',
    tiers: [...memory, ...shared],
    policies: Object.values(questions).map((question) => question.policy),
  })
  return {
    cache,
    redis,
    description: [
      ...(memory.length > 0 ? [`memory (${settings.memory})`] : []),
      ...(redis ? [redis.description] : []),
    ].join(' → '),
    async close() {
      await cache.close()
      redis?.close()
    },
  }
}
