// The shared tier on Redis through the application's own ioredis client. May import core and redis-protocol,
// and no client library.
export type { RedisClient, RedisSubscriber, RedisSubscriberOptions } from './redis-client.js'
export { redisTier } from './redis-tier-definition.js'
export type { RedisTierOptions } from './redis-tier-options.js'
