import underPressure from '@fastify/under-pressure'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Counter, Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import {
  cacheUnderPressure,
  clearCache,
  type FreshtierOptions,
  freshtier,
  getCache,
  setCache,
} from '../../../src/fastify/index.js'
import { type Cache, createCache, definePolicy } from '../../../src/index.js'

const units = definePolicy({ name: 'units', ttl: '60s', fill: (site: string) => `units of ${site}` })

const apps: FastifyInstance[] = []
const caches: Cache[] = []

function newCache(): Cache {
  const cache = createCache({ name: 'plugin', ttl: '60s' })
  caches.push(cache)
  return cache
}

function newApp(): FastifyInstance {
  const app = Fastify()
  apps.push(app)
  return app
}

/** An app whose tenant is what a header says: good enough where nobody lies. */
async function appWith(options: Partial<FreshtierOptions> = {}): Promise<FastifyInstance> {
  const app = newApp()
  const tenant = (request: { headers: Record<string, unknown> }) => request.headers['x-tenant'] as string | undefined
  await app.register(freshtier, {
    ...(options.open ? {} : { cache: newCache() }),
    tenant,
    ...options,
  })
  app.get('/units', (request) => request.cache.getOrFill(units, 'site-1'))
  app.get('/tenant', async (request) => request.cache.tenantId)
  return app
}

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
  for (const cache of caches.splice(0)) await cache.close()
  clearCache()
})

const get = async (app: FastifyInstance, url: string, headers: Record<string, string> = {}) => {
  const { statusCode, body, headers: answered } = await app.inject({ url, headers })
  return { statusCode, body, type: answered['content-type'] }
}

describe('S2-21: the decorators', () => {
  it('answer each request from the cache of its tenant', async () => {
    const app = await appWith()
    expect((await get(app, '/units', { 'x-tenant': 'org-1' })).body).toBe('units of site-1')
    expect((await get(app, '/units', { 'x-tenant': 'org-2' })).body).toBe('units of site-1')
    expect(app.cache.stats()).toMatchObject({ fills: 2, tenants: 3 })
    expect((await get(app, '/tenant', { 'x-tenant': 'org-2' })).body).toBe('org-2')
  })

  it('refuse a request without a tenant, and one whose tenant cannot be one', async () => {
    const app = await appWith()
    expect(await get(app, '/units')).toMatchObject({ statusCode: 403, body: expect.stringContaining('TENANT_MISSING') })
    const long = await get(app, '/units', { 'x-tenant': 'x'.repeat(200) })
    expect(long).toMatchObject({ statusCode: 400, body: expect.stringContaining('INVALID_TENANT') })
    expect(app.cache.stats().requests).toBe(0)
  })

  it('refuse every request where nobody says whose it is', async () => {
    const app = await appWith({ tenant: undefined })
    expect(await get(app, '/units', { 'x-tenant': 'org-1' })).toMatchObject({ statusCode: 500 })
  })

  it('ask for the tenant once a request', async () => {
    let asked = 0
    const app = await appWith({
      tenant: () => {
        asked++
        return 'org-1'
      },
    })
    app.get('/twice', async (request) => {
      const first = request.cache
      return first === request.cache
    })
    expect((await get(app, '/twice')).body).toBe('true')
    expect(asked).toBe(1)
  })
})

describe('S2-21, S2-58: closing', () => {
  it('closes what the plugin opened, after the plugins that depend on it', async () => {
    const order: string[] = []
    const app = newApp()
    await app.register(freshtier, {
      open: () => {
        const cache = newCache()
        return Object.assign(cache, {
          close: ((close) => () => {
            order.push('cache')
            return close()
          })(cache.close),
        })
      },
    })
    const dependant = fastifyPlugin(
      async (inner) => {
        inner.addHook('onClose', async () => {
          order.push('dependant')
          await inner.cache.getOrFill('still', () => 'open')
        })
      },
      { dependencies: ['freshtier'] },
    )
    await app.register(dependant)
    await app.close()
    expect(order).toEqual(['dependant', 'cache'])
    await expect(app.cache.get('key')).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
  })

  it('leaves open what was passed in', async () => {
    const app = await appWith()
    await app.ready()
    await app.close()
    expect(await app.cache.getOrFill('key', () => 1)).toBe(1)
  })

  it('S2-34: a plugin that needs it is refused where it is missing', async () => {
    const app = newApp()
    app.register(fastifyPlugin(async () => {}, { name: 'needy', dependencies: ['freshtier'] }))
    await expect(app.ready()).rejects.toThrow("The dependency 'freshtier' of plugin 'needy' is not registered")
  })

  it('what was opened is closed, too, when a later plugin fails', async () => {
    const app = newApp()
    app.register(freshtier, { open: newCache })
    app.register((_inner, _options, done) => done(new Error('no')))
    await expect(app.ready()).rejects.toThrow('no')
    await app.close()
    await expect(caches[0]!.get('key')).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
  })
})

describe('S2-33: /health', () => {
  it('passes with latency', async () => {
    const app = await appWith()
    const { statusCode, body } = await get(app, '/health')
    expect(statusCode).toBe(200)
    expect(JSON.parse(body)).toEqual({
      status: 'pass',
      latencyMs: 0,
      tiers: { memory: { status: 'pass', latencyMs: 0 } },
    })
  })

  it('fails with 503 when the cache is closed', async () => {
    const app = await appWith()
    await app.cache.close()
    expect(await get(app, '/health')).toMatchObject({ statusCode: 503, body: expect.stringContaining('"fail"') })
  })

  it("gives way to the application's own, whenever that is added, and contributes to it", async () => {
    const app = await appWith()
    app.register((inner, _options, done) => {
      inner.get('/health', async () => ({ status: 'healthy', cache: (await app.cacheHealth()).status }))
      done()
    })
    expect(JSON.parse((await get(app, '/health')).body)).toEqual({ status: 'healthy', cache: 'pass' })
  })

  it('is where it is asked to be, or nowhere', async () => {
    const elsewhere = await appWith({ health: { path: '/healthz' } })
    expect((await get(elsewhere, '/healthz?verbose')).statusCode).toBe(200)
    expect((await get(elsewhere, '/health')).statusCode).toBe(404)
    const nowhere = await appWith({ health: false, metrics: false })
    expect((await get(nowhere, '/health')).statusCode).toBe(404)
    expect((await get(nowhere, '/metrics')).statusCode).toBe(404)
  })

  it('feeds @fastify/under-pressure', async () => {
    const app = await appWith()
    await app.register(underPressure, {
      healthCheck: cacheUnderPressure(),
      exposeStatusRoute: { routeOpts: {}, url: '/status', routeResponseSchemaOpts: { cache: { type: 'string' } } },
    })
    expect(JSON.parse((await get(app, '/status')).body)).toEqual({ status: 'ok', cache: 'pass' })
    await app.cache.close()
    expect((await get(app, '/status')).statusCode).toBe(503)
  })
})

describe('S2-54: /metrics', () => {
  it('is there, if the application has none, behind its hooks', async () => {
    const app = await appWith({ metrics: { dashboard: true } })
    app.addHook('onRequest', async (request, reply) => {
      if (request.headers.authorization === undefined && request.url === '/metrics') await reply.code(401).send()
    })
    expect((await get(app, '/metrics')).statusCode).toBe(401)
    await get(app, '/units', { 'x-tenant': 'org-1' })
    const { statusCode, body, type } = await get(app, '/metrics', { authorization: 'any' })
    expect({ statusCode, type }).toEqual({ statusCode: 200, type: 'text/plain; version=0.0.4; charset=utf-8' })
    expect(body).toContain('cache_requests_total{cache="plugin",policy="units",outcome="miss"} 1')
    expect(body).toContain('dashboard_cache_miss_total{query_type="units"} 1')
    expect(body).not.toContain('org-1')
  })

  it("is the application's own, if it has one", async () => {
    const app = await appWith()
    app.get('/metrics', async () => 'theirs')
    expect((await get(app, '/metrics')).body).toBe('theirs')
  })

  it("go into the application's own registry", async () => {
    const registry = new Registry()
    new Counter({ name: 'app_total', help: 'Theirs.', registers: [registry] })
    const app = await appWith({ metrics: { registry } })
    expect((await get(app, '/metrics')).statusCode).toBe(404)
    expect(await registry.metrics()).toContain('cache_tenants{cache="plugin"} 1')
    await app.close()
    expect(await registry.metrics()).not.toContain('cache_tenants')
  })
})

describe('S2-22, S2-39: the singleton', () => {
  it('is set by the plugin if asked, until the server closes', async () => {
    expect(() => getCache()).toThrow('No cache was set in this process')
    const app = await appWith({ singleton: true })
    expect(getCache()).toBe(app.cache)
    await app.close()
    expect(() => getCache()).toThrow(expect.objectContaining({ code: 'NO_CACHE' }))
  })

  it('is never replaced in silence', () => {
    const cache = newCache()
    setCache(cache)
    setCache(cache)
    expect(() => setCache(newCache())).toThrow("setCache: cache must be the only one of its process; 'plugin' is set")
    expect(() => setCache({} as never)).toThrow('setCache: cache must be an object with the methods')
    clearCache(newCache())
    expect(getCache()).toBe(cache)
  })
})

describe('bad options', () => {
  it.each([
    [{}, 'freshtier must name either `cache`, an open one that stays yours, or `open`'],
    [{ cache: {} }, 'freshtier.cache must be an object with the methods'],
    [{ open: 'cache' }, 'freshtier.open must be a function'],
    [
      { open: (): unknown => undefined },
      'freshtier.open: its answer must be an object with the methods getOrFill, tenant',
    ],
    [{ open: newCache, tenant: 'org' }, 'freshtier.tenant must be a function'],
    [{ open: newCache, health: { path: 'health' } }, "freshtier.health.path must be a path such as '/health'"],
    [{ open: newCache, health: { deadlineMs: '1s' } }, 'freshtier.health.deadlineMs must be a number of milliseconds'],
    [{ open: newCache, metrics: { dashboard: 1 } }, 'freshtier.metrics.dashboard must be true or false'],
    [{ open: newCache, metrics: { registry: {} } }, 'freshtier.metrics.registry must be an object with the methods'],
    [{ open: newCache, singelton: true }, "freshtier.singelton is no option (did you mean 'singleton'?)"],
  ])('%o are refused', async (options, message) => {
    const app = newApp()
    await expect(async () => app.register(freshtier, options as never)).rejects.toThrow(message)
  })
})
