import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { App } from '../../../apps/cold-chain/src/app.ts'
import { DATABASES, type DatabaseSource } from './kit/databases.ts'
import { startTestApp, TenantClient } from './kit/test-app.ts'

const CACHED = ['unit-status', 'alerts', 'alerts/open', 'compliance', 'trends', 'devices', 'stats'] as const

describe.each(DATABASES)('routes, on $name', ({ begin }) => {
  let source: DatabaseSource
  let app: App
  let org: TenantClient

  beforeAll(async () => {
    source = await begin()
    app = await startTestApp(await source.open())
    org = new TenantClient(app, 'org-1')
  })
  afterAll(async () => {
    await app?.close()
    await source?.end()
  })
  beforeEach(async () => {
    for (const unit of await org.units()) await org.reading(unit, 'cold')
    await app.cache.cache!.tenant('org-1').clear()
  })

  it.each(CACHED)('S2-4: /%s is a miss once, then a hit of memory', async (path) => {
    const first = await org.get(path)
    const second = await org.get(path)
    expect(first.status).toBe(200)
    expect(first.cacheStatus).toMatch(/^freshtier; fwd=miss; stored; ttl=\d+; key="[a-z-]+:all"$/)
    expect(second.cacheStatus).toMatch(/^freshtier; hit; ttl=\d+; detail=memory; key="[a-z-]+:all"$/)
    expect(second.body).toEqual(first.body)
  })

  it('S2: /stats has the shape that its clients know', async () => {
    const { body } = await org.get('stats')
    expect(body).toEqual({
      organizationId: 'org-1',
      version: expect.any(Number),
      unitCounts: { total: 4, normal: 4, warning: 0, critical: 0, offline: 0 },
      alertCounts: { pending: 0, acknowledged: 0, resolved: expect.any(Number), total: expect.any(Number) },
      compliancePercentage: expect.any(Number),
      memberCount: 3,
      siteCount: 2,
      worstState: 'normal',
      lastUpdated: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
  })

  it('B25: a Date comes out of the cache as a Date', async () => {
    await org.get('stats')
    const { lastUpdated } = (await org.get('stats')).body
    expect(new Date(lastUpdated).toISOString()).toBe(lastUpdated)
  })

  it('B24: a reading that changes no state leaves every entry where it is', async () => {
    const [unit] = await org.units()
    const paths = [...CACHED, `units/${unit!.id}/trend`]
    for (const path of paths) await org.get(path)
    const { status, body } = await org.reading(unit!, 'cold')
    expect([status, body]).toEqual([201, { changes: [] }])
    for (const path of paths) expect((await org.get(path)).cacheStatus, path).toContain('; hit;')
  })

  it('S2-13: a state change makes untrue what it touches, and nothing else', async () => {
    const [unit, other] = await org.units()
    const paths = [...CACHED, `units/${unit!.id}/trend`, `units/${other!.id}/trend`]
    for (const path of paths) await org.get(path)
    await org.reading(unit!, 'warm')
    const missed: string[] = []
    for (const path of paths) if ((await org.get(path)).cacheStatus?.includes('fwd=miss')) missed.push(path)
    expect(missed).toEqual(['unit-status', 'alerts', 'alerts/open', 'stats', `units/${unit!.id}/trend`])
    expect((await org.get('unit-status')).body).toMatchObject({ normal: 3, critical: 1 })
    expect((await org.get('stats')).body).toMatchObject({ worstState: 'critical', alertCounts: { pending: 1 } })
  })

  it('an alert is acknowledged and resolved once, and the counts follow at once', async () => {
    const [unit] = await org.units()
    await org.reading(unit!, 'warm')
    const [alert] = (await org.get('alerts/open')).body.alerts
    expect((await org.get('alerts')).body).toMatchObject({ pending: 1, acknowledged: 0 })
    expect((await org.post(`alerts/${alert.id}/acknowledge`)).body).toMatchObject({ alert: { status: 'acknowledged' } })
    expect((await org.get('alerts')).body).toMatchObject({ pending: 0, acknowledged: 1 })
    expect(await org.post(`alerts/${alert.id}/acknowledge`)).toMatchObject({ status: 409, body: { code: 'CONFLICT' } })
    expect((await org.post(`alerts/${alert.id}/resolve`)).status).toBe(200)
    expect((await org.get('alerts/open')).body.alerts).toEqual([])
    expect((await org.post(`alerts/${alert.id}/resolve`)).status).toBe(409)
  })

  it('the audit trail asks the database every time, and says so', async () => {
    const before = app.cache.cache!.stats().requests
    const answers = [await org.get('alerts/history'), await org.get('alerts/history?limit=1')]
    for (const { cacheStatus } of answers) expect(cacheStatus).toBe('freshtier; fwd=bypass; detail=audit')
    expect(app.cache.cache!.stats().requests).toBe(before)
  })

  it('the audit trail is read page by page, newest first', async () => {
    const all = (await org.get('alerts/history?limit=500')).body.alerts.map(({ id }: { id: number }) => id)
    const first = (await org.get('alerts/history?limit=1')).body.alerts
    const second = (await org.get(`alerts/history?limit=1&before=${first[0].id}`)).body.alerts
    expect([first[0].id, second[0].id]).toEqual(all.slice(0, 2))
  })

  it('the board is live and not cached', async () => {
    const { cacheStatus, body } = await org.get('units')
    expect(cacheStatus).toBe('freshtier; fwd=bypass; detail=live')
    expect(body.sites.map((site: { units: unknown[] }) => site.units.length)).toEqual([2, 2])
  })

  it.each<[string, string, unknown, number]>([
    ['a temperature that is no number', 'readings', { deviceId: 1, celsius: 'warm' }, 400],
    ['a temperature of no place on earth', 'readings', { deviceId: 1, celsius: 1e9 }, 400],
    ['a device that is no id', 'readings', { deviceId: -1, celsius: 5 }, 400],
    ['an unknown field', 'readings', { deviceId: 1, celsius: 5, organisationId: 'org-2' }, 400],
    ['a reading from the future', 'readings', { deviceId: 1, celsius: 5, takenAt: '2999-01-01T00:00:00Z' }, 400],
    ['an unknown device', 'readings', { deviceId: 2_000_000, celsius: 5 }, 404],
    ['an alert that is no id', 'alerts/x/acknowledge', undefined, 400],
    ['an unknown alert', 'alerts/2000000/acknowledge', undefined, 404],
    ['a unit without a simulated sensor', 'units/1/open-door', undefined, 409],
  ])('refuses %s', async (_, path, body, status) => {
    const answer = await org.post(path, body)
    expect(answer.status).toBe(status)
    expect(answer.body).toEqual({ code: expect.any(String), message: expect.any(String) })
  })

  it('refuses a page of the audit trail that is too large, and a receipt that is none', async () => {
    expect((await org.get('alerts/history?limit=501')).status).toBe(400)
    expect(await org.get('stats', { 'cache-after': 'not a receipt' })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_RECEIPT' },
    })
  })

  it('answers are for nobody else to keep', async () => {
    const { headers } = await app.server.inject({
      url: '/api/organisations/org-1/stats',
      headers: { authorization: `Bearer ${org.token}` },
    })
    expect(headers['cache-control']).toBe('no-store')
  })
})

describe.each(DATABASES)('without a cache (CACHE=off), on $name', ({ begin }) => {
  it('every question goes to the database, and the answers are the same', async () => {
    const source = await begin()
    const schema = 'shared_by_both'
    const cached = await startTestApp(await source.open(schema))
    try {
      const withCache = new TenantClient(cached, 'org-1')
      const [unit] = await withCache.units()
      await withCache.reading(unit!, 'warm')
      const app = await startTestApp(cached.database, { CACHE: 'off' })
      const org = new TenantClient(app, 'org-1')
      for (const path of CACHED) {
        const { status, cacheStatus, body } = await org.get(path)
        expect([path, status, cacheStatus?.split(' key')[0]]).toEqual([
          path,
          200,
          'freshtier; fwd=bypass; detail=cache-off;',
        ])
        const { lastUpdated: _, ...same } = (await withCache.get(path)).body
        expect(body).toMatchObject(same)
      }
      await app.close()
    } finally {
      await cached.close()
      await source.end()
    }
  })
})
