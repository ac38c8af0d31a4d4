// The shared tier over Upstash's REST API, by `fetch` alone. May import core and redis-protocol, and no client library.
export { type UpstashTierDefinition, upstashTier } from './upstash-tier.js'
export type { UpstashFetch, UpstashRequestInit, UpstashTierOptions } from './upstash-tier-options.js'
