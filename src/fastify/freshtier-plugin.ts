import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Cache } from '../core/create-cache.js'
import type { Scope } from '../core/scope.js'
import { type CacheHealth, cacheHealth } from '../observe/cache-health.js'
import { type CacheMetrics, cacheMetrics } from '../observe/cache-metrics.js'
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from '../observe/prometheus-text.js'
import { registerMetrics } from '../observe/register-metrics.js'
import { answerIfAbsent } from './answer-if-absent.js'
import { mountConsole } from './mount-console.js'
import { checkCache, checkPluginOptions, type FreshtierOptions, type PluginSettings } from './plugin-options.js'
import { scopeOf } from './request-scope.js'
import { clearCache, setCache } from './singleton.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The cache, outside any tenant. */
    readonly cache: Cache
    /** How the cache is; see `cacheHealth` of `freshtier/observe`. */
    cacheHealth(options?: { deadlineMs?: number }): Promise<CacheHealth>
  }
  interface FastifyRequest {
    /** The cache of this request's tenant. Throws `TENANT_MISSING` where the request has none. */
    readonly cache: Scope
  }
}

const SCOPE = Symbol('freshtier.scope')

/**
 * A cache for a Fastify 5 server: `app.cache`, `request.cache` for the request's tenant, `/health` and `/metrics` where
 * the server has none of its own.
 *
 * ```ts
 * await app.register(freshtier, { cache, tenant: (request) => request.user.organisation })
 * ```
 */
export const freshtier: FastifyPluginAsync<FreshtierOptions> = fastifyPlugin(register, {
  name: 'freshtier',
  fastify: '5.x',
})

async function register(app: FastifyInstance, options: FreshtierOptions): Promise<void> {
  const settings = checkPluginOptions(options)
  const cache = settings.cache ?? (await openCache(app, settings.open!))
  app.decorate('cache', cache)
  app.decorate('cacheHealth', (asked) => cacheHealth(cache, asked ?? { deadlineMs: settings.healthDeadlineMs }))
  decorateRequests(app, cache, settings)
  if (settings.singleton) {
    setCache(cache)
    app.addHook('onClose', () => clearCache(cache))
  }
  if (settings.healthPath !== undefined) mountHealth(app, settings.healthPath)
  if (settings.metrics) mountMetrics(app, cache, settings.metrics)
  if (settings.console) mountConsole(app, cache, settings.console)
}

/** What is opened here is closed here; a cache that was passed in is not. */
async function openCache(app: FastifyInstance, open: NonNullable<FreshtierOptions['open']>): Promise<Cache> {
  const cache = await open(app)
  checkCache(cache, 'freshtier.open: its answer')
  app.addHook('onClose', async () => {
    await cache.close()
  })
  return cache
}

function decorateRequests(app: FastifyInstance, cache: Cache, { tenant }: PluginSettings): void {
  app.decorateRequest(SCOPE, undefined)
  app.decorateRequest('cache', {
    getter(this: FastifyRequest & { [SCOPE]?: Scope }) {
      this[SCOPE] ??= scopeOf(this, cache, tenant)
      return this[SCOPE]
    },
  })
}

/** Degraded is 200: a load balancer must not take away a server that only lost its Redis. */
function mountHealth(app: FastifyInstance, path: string): void {
  answerIfAbsent(app, path, async (_, reply) => {
    const health = await app.cacheHealth()
    return reply
      .code(health.status === 'fail' ? 503 : 200)
      .header('cache-control', 'no-store')
      .send(health)
  })
}

function mountMetrics(app: FastifyInstance, cache: Cache, settings: NonNullable<PluginSettings['metrics']>): void {
  const { path, registry, dashboard } = settings
  const metrics: CacheMetrics = cacheMetrics(cache, { dashboard })
  const end = registry ? registerMetrics(registry, metrics) : undefined
  app.addHook('onClose', async () => {
    end?.()
    metrics.close()
  })
  // In the application's own registry they are on the application's own page.
  if (registry) return
  answerIfAbsent(app, path, async (_, reply) => reply.type(PROMETHEUS_CONTENT_TYPE).send(prometheusText(metrics)))
}
