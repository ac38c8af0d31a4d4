import { InvalidOptionError } from '../core/errors.js'
import type { RedisConnection } from '../redis-protocol/redis-connection.js'
import { keepStringMethodsFast } from './fast-string-methods.js'
import { IoredisClusterConnection } from './ioredis-cluster-connection.js'
import { IoredisConnection } from './ioredis-connection.js'
import { NodeRedisClusterConnection } from './node-redis-cluster-connection.js'
import { NodeRedisConnection, NodeRedisSentinelConnection } from './node-redis-connection.js'
import type {
  IoredisClient,
  IoredisClientOptions,
  IoredisCluster,
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisSentinel,
  RedisClient,
} from './redis-client.js'

/** Of ioredis' clients: options that would send our reads elsewhere or change the names of our keys. */
interface IoredisOptions extends IoredisClientOptions {
  readonly scaleReads?: unknown
  readonly redisOptions?: { readonly keyPrefix?: string | undefined } | undefined
}

/**
 * The adapter for whatever client it is, told by what it can do.
 *
 * @throws InvalidOptionError if it is none that the tier knows, or one whose settings the tier cannot live with.
 */
export function openConnection(client: RedisClient): RedisConnection {
  if (isIoredisCluster(client)) {
    checkIoredis(client.options)
    keepStringMethodsFast()
    return new IoredisClusterConnection(client)
  }
  if (isIoredis(client)) {
    checkIoredis(client.options)
    keepStringMethodsFast()
    return new IoredisConnection(client)
  }
  if (isNodeRedisSentinel(client)) return new NodeRedisSentinelConnection(client)
  if (isNodeRedisCluster(client)) return new NodeRedisClusterConnection(client)
  if (isNodeRedis(client)) return new NodeRedisConnection(client)
  throw refused('must be a client of ioredis 5 or 6, or of node-redis 6', client)
}

function checkIoredis(options: IoredisOptions | undefined): void {
  const keyPrefix = options?.keyPrefix || options?.redisOptions?.keyPrefix
  // It is put in front of keys but not of what scripts publish, and the user's other tools would not find the keys.
  if (keyPrefix)
    throw refused("must have no keyPrefix; use the tier's own option: redisTier({ client, prefix })", keyPrefix)
  // A replica lags behind: what it answers may be older than an acknowledged invalidation.
  if (options?.role === 'slave') throw refused("must be connected to the primary, not to role 'slave'", options.role)
  if (options?.scaleReads !== undefined && options.scaleReads !== 'master') {
    throw refused("must read from primaries: scaleReads 'master', or left out", options.scaleReads)
  }
}

function refused(rule: string, value: unknown): InvalidOptionError {
  return new InvalidOptionError({ field: 'redisTier.client', value, rule })
}

type Members = Partial<Record<'call' | 'duplicate' | 'nodes' | 'sendCommand' | 'getSentinelNode', unknown>>

function can(client: unknown, ...methods: (keyof Members)[]): boolean {
  if (typeof client !== 'object' || client === null) return false
  return methods.every((method) => typeof (client as Members)[method] === 'function')
}

function isIoredisCluster(client: RedisClient): client is IoredisCluster {
  return can(client, 'call', 'duplicate', 'nodes') && 'isCluster' in client && client.isCluster === true
}

function isIoredis(client: RedisClient): client is IoredisClient {
  return can(client, 'call', 'duplicate') && !isIoredisCluster(client)
}

function isNodeRedis(client: RedisClient): client is NodeRedisClient {
  return can(client, 'sendCommand', 'duplicate') && 'isReady' in client
}

function isNodeRedisCluster(client: RedisClient): client is NodeRedisCluster {
  return can(client, 'sendCommand', 'duplicate') && 'masters' in client && 'slots' in client
}

function isNodeRedisSentinel(client: RedisClient): client is NodeRedisSentinel {
  return can(client, 'sendCommand', 'duplicate', 'getSentinelNode')
}
