import { afterEach, describe, expect, it } from 'vitest'
import type { App } from '../../../apps/cold-chain/src/app.ts'
import { until } from '../../kit/until.ts'
import { freePort } from '../../servers/free-port.ts'
import { startRedisServer } from '../../servers/redis-server.ts'
import { DATABASES } from './kit/databases.ts'
import { startTestApp, TenantClient } from './kit/test-app.ts'

const releases: (() => unknown)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

async function start(environment: Record<string, string> = {}): Promise<App> {
  const source = await DATABASES[0]!.begin()
  const app = await startTestApp(await source.open(), environment)
  releases.push(() => app.close())
  return app
}

async function ask(app: App, path = '/health') {
  const response = await app.server.inject({ url: path })
  return { status: response.statusCode, body: response.json() }
}

describe('S2-33: /health', () => {
  it('passes, with a latency for each part', async () => {
    const { status, body } = await ask(await start())
    const pass = { status: 'pass', latency_ms: expect.any(Number) }
    expect(status).toBe(200)
    expect(body).toEqual({
      status: 'healthy',
      uptime: expect.any(Number),
      timestamp: expect.stringMatching(/Z$/),
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      environment: expect.any(String),
      checks: { database: pass, cache: pass },
    })
  })

  it('skips a cache that is off', async () => {
    const { body } = await ask(await start({ CACHE: 'off' }))
    expect(body).toMatchObject({ status: 'healthy', checks: { cache: { status: 'skip', message: 'CACHE=off' } } })
  })

  it.each(['memory+shared', 'shared'])(
    'S2-23, S2-45: degrades to 200 without Redis (%s); every answer is still right, and it recovers by itself',
    async (tiers) => {
      const redis = await startRedisServer()
      releases.push(() => redis.stop())
      const app = await start({ REDIS_URL: redis.url, CACHE_TIERS: tiers })
      const org = new TenantClient(app, 'org-1')
      expect((await ask(app)).body).toMatchObject({ status: 'healthy', checks: { redis: { status: 'pass' } } })

      await redis.stop()
      await until(async () => (await ask(app)).body.status === 'degraded', { what: 'degraded health' })
      const { status, body } = await ask(app)
      expect([status, body.checks.redis.status, body.checks.database.status]).toEqual([200, 'fail', 'pass'])
      const [unit] = await org.units()
      await org.reading(unit!, 'warm')
      await until(async () => (await org.get('unit-status')).body.critical === 1, {
        what: 'the new state',
        withinMs: 5_000,
      })
      expect((await ask(app, '/health/ready')).status).toBe(200)

      const again = await startRedisServer({ port: redis.port })
      releases.push(() => again.stop())
      await until(async () => (await ask(app)).body.status === 'healthy', { what: 'recovered health' })
    },
  )

  it('the app starts without its Redis, degraded, and uses it as soon as it is there', async () => {
    const port = await freePort()
    const app = await start({ REDIS_PORT: String(port) })
    expect((await ask(app)).body).toMatchObject({ status: 'degraded', checks: { redis: { status: 'fail' } } })
    const redis = await startRedisServer({ port })
    releases.push(() => redis.stop())
    await until(async () => (await ask(app)).body.status === 'healthy', { what: 'healthy with Redis' })
  })

  it('answers within its deadline while Redis hangs', async () => {
    const redis = await startRedisServer()
    releases.push(() => redis.stop())
    const app = await start({ REDIS_URL: redis.url })
    const thaw = await redis.freeze()
    const startedAt = performance.now()
    const { status, body } = await ask(app)
    thaw()
    expect([status, body.status, body.checks.redis.status]).toEqual([200, 'degraded', 'fail'])
    expect(performance.now() - startedAt).toBeLessThan(15_000)
  })

  it('is unhealthy, 503, without the database; alive, but not ready', async () => {
    const app = await start()
    await app.database.close()
    const { status, body } = await ask(app)
    expect([status, body.status, body.checks.database.status]).toEqual([503, 'unhealthy', 'fail'])
    expect(await ask(app, '/health/live')).toEqual({ status: 200, body: { status: 'alive' } })
    expect(await ask(app, '/health/ready')).toEqual({ status: 503, body: { status: 'not ready' } })
  })
})
