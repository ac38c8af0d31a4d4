import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { App } from '../../../apps/cold-chain/src/app.ts'
import { escalateAlert, queryWaits } from '../../../apps/cold-chain/src/domain/escalate-alert.ts'
import { DATABASES, type DatabaseSource } from '../cold-chain/kit/databases.ts'
import { startTestApp, TenantClient } from '../cold-chain/kit/test-app.ts'

describe.each(DATABASES)('an alert that nobody acknowledges, on $name', ({ begin }) => {
  let source: DatabaseSource
  let app: App
  let org: TenantClient
  let next = 0
  beforeAll(async () => {
    source = await begin()
    app = await startTestApp(await source.open())
    org = new TenantClient(app, 'org-1')
  })
  afterAll(async () => {
    await app.close()
    await source.end()
  })

  let wait: { organisationId: string; alertId: number; pendingSince: Date }
  let unit: Awaited<ReturnType<TenantClient['units']>>[number]
  beforeEach(async () => {
    unit = (await org.units())[next++]!
    await org.reading(unit, 'warm')
    const waits = await queryWaits(app.database, 60_000)
    expect(waits).toHaveLength(1)
    const { leftMs, ...only } = waits[0]!
    expect(leftMs).toBeGreaterThanOrEqual(0)
    expect(leftMs).toBeLessThanOrEqual(60_000)
    wait = only
  })

  it('escalates once; a job that runs again tells the same change again', async () => {
    const [first] = await escalateAlert(app.database, wait)
    expect(first).toMatchObject({ type: 'alert-escalated', organisationId: 'org-1', alert: { id: wait.alertId } })
    expect(first).toHaveProperty('alert.escalatedAt', expect.any(Date))
    expect(await escalateAlert(app.database, wait)).toEqual([first])
    expect(await queryWaits(app.database, 60_000)).toEqual([])
  })

  it.each(['acknowledge', 'resolve'])('does not when somebody came: %s', async (action) => {
    await org.post(`alerts/${wait.alertId}/${action}`)
    expect(await escalateAlert(app.database, wait)).toEqual([])
    expect(await queryWaits(app.database, 60_000)).toEqual([])
  })

  it('does not for a wait of another moment or another organisation', async () => {
    const earlier = new Date(wait.pendingSince.getTime() - 1)
    expect(await escalateAlert(app.database, { ...wait, pendingSince: earlier })).toEqual([])
    expect(await escalateAlert(app.database, { ...wait, organisationId: 'org-2' })).toEqual([])
    expect(await queryWaits(app.database, 60_000)).toHaveLength(1)
    await org.post(`alerts/${wait.alertId}/resolve`)
  })
})
