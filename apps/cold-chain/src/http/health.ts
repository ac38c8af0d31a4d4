import type { Cache } from 'freshtier'
import { cacheHealth } from 'freshtier/observe'
import type { RedisConnection } from '../cache/open-redis.js'
import type { Queryable } from '../database/database.js'
import { withDeadline } from '../deadline.js'

export interface HealthOptions {
  readonly database: Queryable
  readonly cache: Cache | undefined
  readonly redis: Pick<RedisConnection, 'ping'> | undefined
  readonly version: string
  readonly environment: string
}

export interface Check {
  readonly status: 'pass' | 'fail' | 'skip'
  readonly latency_ms?: number
  readonly message?: string
}

export interface Health {
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  readonly uptime: number
  readonly timestamp: string
  readonly version: string
  readonly environment: string
  readonly checks: { readonly database: Check; readonly cache: Check; readonly redis?: Check }
}

const DEADLINE_MS = 2_000

/** Without the database nothing works; without the cache or Redis everything works, only slower: degraded. */
export async function checkHealth({ database, cache, redis, version, environment }: HealthOptions): Promise<Health> {
  const [databaseCheck, cacheCheck, redisCheck] = await Promise.all([
    check('The database', () => database.query('SELECT 1')),
    cache ? checkCache(cache) : ({ status: 'skip', message: 'CACHE=off' } as const),
    redis ? check('Redis', () => redis.ping()) : undefined,
  ])
  const isDegraded = cacheCheck.status === 'fail' || redisCheck?.status === 'fail'
  return {
    status: databaseCheck.status === 'fail' ? 'unhealthy' : isDegraded ? 'degraded' : 'healthy',
    uptime: Math.round(process.uptime()),
    timestamp: new Date().toISOString(),
    version,
    environment,
    checks: { database: databaseCheck, cache: cacheCheck, ...(redisCheck && { redis: redisCheck }) },
  }
}

async function check(what: string, work: () => Promise<unknown>): Promise<Check> {
  const startedAt = performance.now()
  const latency = (): number => Math.round(100 * (performance.now() - startedAt)) / 100
  try {
    await withDeadline(work(), DEADLINE_MS, what)
    return { status: 'pass', latency_ms: latency() }
  } catch (error) {
    return { status: 'fail', latency_ms: latency(), message: (error as Error).message }
  }
}

/** A tier that does not answer is a failed check, whatever the others say; nothing is written to find out. */
async function checkCache(cache: Cache): Promise<Check> {
  const { status, latencyMs, message } = await cacheHealth(cache, { deadlineMs: DEADLINE_MS })
  return { status: status === 'pass' ? 'pass' : 'fail', latency_ms: latencyMs, ...(message && { message }) }
}
