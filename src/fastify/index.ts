// The cache as a Fastify 5 plugin. May import core, observe, fastify-plugin, and the types of fastify, which the
// application brings.
export { freshtier, freshtier as default } from './freshtier-plugin.js'
export type { FreshtierOptions } from './plugin-options.js'
export type { TenantOf } from './request-scope.js'
export { clearCache, getCache, setCache } from './singleton.js'
export { cacheUnderPressure } from './under-pressure.js'
