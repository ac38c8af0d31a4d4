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
import { checkPrefix } from '../redis-protocol/redis-prefix.js'
import type { RedisTierSettings } from '../redis-protocol/redis-tier.js'
import type { RedisClient } from './redis-client.js'

export interface RedisTierOptions {
  /** An ioredis client, version 5 or 6, without `keyPrefix`. It stays yours: never reconfigured, never closed. */
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
}

/** Checked options. */
export interface RedisSettings extends RedisTierSettings {
  readonly client: RedisClient
}

const FIELDS = ['client', 'prefix', 'pollInterval', 'commandTimeout', 'logMaxEntries', 'maxEntryBytes'] as const

export function checkRedisTierOptions(options: RedisTierOptions): RedisSettings {
  checkFields(options, FIELDS, 'redisTier')
  return Object.freeze({
    name: 'redis',
    client: checkClient(options.client),
    prefix: checkPrefix(options.prefix ?? '', 'redisTier.prefix'),
    pollMs: parseDuration(options.pollInterval ?? '500ms', 'redisTier.pollInterval'),
    commandTimeoutMs: parsePositiveDuration(options.commandTimeout ?? '250ms', 'redisTier.commandTimeout'),
    logMaxEntries: parseCount(options.logMaxEntries ?? 10_000, 'redisTier.logMaxEntries'),
    maxEntryBytes: parseBytes(options.maxEntryBytes ?? '8mb', 'redisTier.maxEntryBytes'),
  })
}

function checkClient(client: RedisClient): RedisClient {
  const refuse = (rule: string, value: unknown = client): never => {
    throw new InvalidOptionError({ field: 'redisTier.client', value, rule })
  }
  if (typeof client?.call !== 'function' || typeof client.duplicate !== 'function') {
    refuse('must be a client of ioredis 5 or 6')
  }
  if (client.isCluster) refuse('must be a client of one server; Redis Cluster is not supported yet')
  const keyPrefix = client.options?.keyPrefix
  // It is put in front of keys but not of what scripts publish, and the user's other tools would not find the keys.
  if (keyPrefix) refuse("must have no keyPrefix; use the tier's own option: redisTier({ client, prefix })", keyPrefix)
  return client
}
