// The shared tier on Redis through the application's own client, of ioredis or node-redis. May import core and redis-protocol,
// and no client library.
export type { BreakerOptions } from '../redis-protocol/breaker.js'
export type {
  IoredisClient,
  IoredisCluster,
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisSentinel,
  RedisClient,
} from './redis-client.js'
export { redisTier } from './redis-tier-definition.js'
export type { RedisTierOptions } from './redis-tier-options.js'
