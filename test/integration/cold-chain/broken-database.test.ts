import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { App } from '../../../apps/cold-chain/src/app.ts'
import { until } from '../../kit/until.ts'
import { BreakableDatabase } from './kit/breakable-database.ts'
import { DATABASES } from './kit/databases.ts'
import { startTestApp, TenantClient } from './kit/test-app.ts'

describe('while the database fails', () => {
  let app: App
  let database: BreakableDatabase
  let org: TenantClient

  beforeEach(async () => {
    const source = await DATABASES[0]!.begin()
    database = new BreakableDatabase(await source.open())
    app = await startTestApp(database, { CACHE_TTL_SECONDS: '1' })
    org = new TenantClient(app, 'org-1')
  })
  afterEach(() => app.close())

  it('an answer whose life has ended is given all the same, and says that it is stale', async () => {
    const { body } = await org.get('unit-status')
    database.isBroken = true
    await until(async () => (await org.get('unit-status')).cacheStatus?.includes('fwd=stale') ?? false)
    const stale = await org.get('unit-status')
    expect([stale.status, stale.body]).toEqual([200, body])
    expect(stale.cacheStatus).toMatch(/^freshtier; fwd=stale; ttl=-\d+; detail=memory; key="unit-status:all"$/)
    database.isBroken = false
    await until(async () => (await org.get('unit-status')).cacheStatus?.includes('; stored') ?? false)
  })

  it('a failure is told without its details, and never kept', async () => {
    database.isBroken = true
    const failed = await org.get('stats')
    expect(failed).toMatchObject({ status: 500, cacheStatus: undefined })
    expect(failed.body).toEqual({ code: 'INTERNAL', message: 'The server could not answer. Try again.' })
    database.isBroken = false
    expect((await org.get('stats')).cacheStatus).toContain('fwd=miss; stored')
  })

  it('an invalidated answer is never used as a stale one', async () => {
    await org.get('unit-status')
    await app.cache.cache!.tenant('org-1').invalidate({ tags: ['units'] })
    database.isBroken = true
    expect((await org.get('unit-status')).status).toBe(500)
  })

  it('forty requests for a cold answer ask the database once', async () => {
    // One read in fifty is asked twice, to measure: the first one here.
    await org.get('devices')
    await until(() => database.isIdle)
    const before = database.queries
    const answers = await Promise.all(Array.from({ length: 40 }, () => org.get('unit-status')))
    expect(database.queries - before).toBe(1)
    const collapsed = answers.filter(({ cacheStatus }) => cacheStatus?.startsWith('freshtier; fwd=miss; collapsed'))
    expect(collapsed).toHaveLength(39)
  })
})
