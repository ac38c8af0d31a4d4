import { InvalidOptionError } from '../core/errors.js'
import { checkFields } from '../core/options.js'
import {
  type Duration,
  parseBytes,
  parseCount,
  parseDuration,
  parsePositiveDuration,
  type Size,
} from '../core/quantity.js'
import { type BreakerOptions, checkBreakerOptions } from '../redis-protocol/breaker.js'
import type { BudgetSettings } from '../redis-protocol/redis-budget.js'
import type { RedisConnection } from '../redis-protocol/redis-connection.js'
import { checkPrefix } from '../redis-protocol/redis-prefix.js'
import type { RedisTierSettings } from '../redis-protocol/redis-tier.js'
import { openConnection } from './open-connection.js'
import type { RedisClient } from './redis-client.js'

export interface RedisTierOptions {
  /**
   * A client of ioredis 5 or 6 (`Redis`, also with Sentinel, or `Cluster`; without `keyPrefix`), or of node-redis 6
   * (`createClient`, `createSentinel`, `createCluster`; connected by you). It stays yours: never reconfigured, never
   * closed.
   */
  readonly client: RedisClient
  /**
   * Stands in front of every key and channel, as it is: `'shop:'`. For a server that several applications share.
   * At most 100 characters, no braces, spaces or control characters. Default: none.
   */
  readonly prefix?: string | undefined
  /** How often a process that reads looks at the invalidation log; '0ms' = only when a read needs it. Default '500ms'. */
  readonly pollInterval?: Duration | undefined
  /** What has not been answered after this time has failed. Default '250ms'. */
  readonly commandTimeout?: Duration | undefined
  /**
   * About how many invalidations the log keeps. A process that was cut off for longer than they reach back drops what
   * it holds in memory. Default 10,000 (0.5 MB).
   */
  readonly logMaxEntries?: number | undefined
  /** Entries that are larger when encoded are not stored in Redis. Default '8mb'. */
  readonly maxEntryBytes?: Size | undefined
  /**
   * What this cache's keys may take in Redis, about: above it nothing more is stored, and fills answer their callers and
   * memory only. An estimate by samples, kept in this process. Default: no budget but the server's.
   */
  readonly maxBytes?: Size | undefined
  /**
   * Share of the server's own `maxmemory` above which nothing more is stored, so that the server need not evict or
   * refuse what others keep there. 1 = leave it to the server. Default 0.9.
   */
  readonly highWaterMark?: number | undefined
  /** When a server is given up for a while, and how it is taken back. One breaker for each server. */
  readonly breaker?: BreakerOptions | undefined
}

/** Checked options. */
export interface RedisSettings extends RedisTierSettings {
  readonly connection: RedisConnection
}

const FIELDS = [
  'client',
  'prefix',
  'pollInterval',
  'commandTimeout',
  'logMaxEntries',
  'maxEntryBytes',
  'maxBytes',
  'highWaterMark',
  'breaker',
] as const

export function checkRedisTierOptions(options: RedisTierOptions): RedisSettings {
  checkFields(options, FIELDS, 'redisTier')
  return Object.freeze({
    name: 'redis',
    connection: openConnection(options.client),
    prefix: checkPrefix(options.prefix ?? '', 'redisTier.prefix'),
    pollMs: parseDuration(options.pollInterval ?? '500ms', 'redisTier.pollInterval'),
    commandTimeoutMs: parsePositiveDuration(options.commandTimeout ?? '250ms', 'redisTier.commandTimeout'),
    logMaxEntries: parseCount(options.logMaxEntries ?? 10_000, 'redisTier.logMaxEntries'),
    maxEntryBytes: parseBytes(options.maxEntryBytes ?? '8mb', 'redisTier.maxEntryBytes'),
    breaker: checkBreakerOptions(options.breaker ?? {}, 'redisTier.breaker'),
    budget: checkBudget(options),
  })
}

/** Undefined if there is nothing to watch: no limit of our own, and the server's is left to the server. */
function checkBudget(options: RedisTierOptions): BudgetSettings | undefined {
  const maxBytes = options.maxBytes === undefined ? undefined : parseBytes(options.maxBytes, 'redisTier.maxBytes')
  const highWaterMark = checkShare(options.highWaterMark ?? 0.9, 'redisTier.highWaterMark')
  return maxBytes === undefined && highWaterMark === 1 ? undefined : Object.freeze({ maxBytes, highWaterMark })
}

function checkShare(value: number, field: string): number {
  if (typeof value === 'number' && value > 0 && value <= 1) return value
  throw new InvalidOptionError({ field, value, rule: 'must be a share above 0, at most 1' })
}
