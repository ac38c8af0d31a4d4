import { afterEach, expect, it } from 'vitest'
import type { App } from '../../../apps/cold-chain/src/app.ts'
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

it('S2-26: /metrics counts what dashboards asked, under both sets of names, and names no organisation', async () => {
  const app = await start()
  const org = new TenantClient(app, 'org-1')
  for (let n = 0; n < 3; n++) await org.get('unit-status')
  const { statusCode, body } = await app.server.inject({ url: '/metrics' })
  expect(statusCode).toBe(200)
  expect(body).toContain('cache_requests_total{cache="coldchain",policy="unit-status",outcome="hit"} 2')
  expect(body).toContain('dashboard_cache_hit_total{query_type="unit-status"} 2')
  expect(body).toContain('dashboard_cache_miss_total{query_type="unit-status"} 1')
  expect(body).not.toContain('org-1')
})

it('S2-6: nothing is filled before somebody asks, and only what was asked', async () => {
  const app = await start()
  const org = new TenantClient(app, 'org-1')
  for (const unit of await org.units()) await org.reading(unit, 'warm')
  expect(app.cache.cache!.stats()).toMatchObject({ requests: 0, fills: 0 })
  await org.get('unit-status')
  expect(app.cache.cache!.stats()).toMatchObject({ requests: 1, fills: 1 })
})

it('the console shows to this machine, and changes only with the token', async () => {
  const token = 'a-token-of-the-operator'
  const app = await start({ CONSOLE_TOKEN: token })
  const url = '/freshtier/api/clear'
  const clear = (headers: Record<string, string>) =>
    app.server.inject({ url, method: 'POST', headers, payload: { tenant: 'org-1' } })
  expect((await clear({})).statusCode).toBe(401)
  expect((await clear({ authorization: `Bearer ${token}` })).json()).toMatchObject({ done: 'cleared', tenant: 'org-1' })
})

it('/console leads to the page of the console', async () => {
  const app = await start()
  const { statusCode, headers } = await app.server.inject({ url: '/console' })
  expect({ statusCode, location: headers.location }).toEqual({ statusCode: 302, location: 'freshtier/' })
  expect((await app.server.inject({ url: '/freshtier/' })).body).toContain('<title>freshtier console</title>')
})

it('a cache that is off has no metrics and no console', async () => {
  const app = await start({ CACHE: 'off' })
  for (const url of ['/metrics', '/console']) expect((await app.server.inject({ url })).statusCode).toBe(404)
})
