import { io } from 'socket.io-client'
import { afterEach, describe, expect, it } from 'vitest'
import { openPgliteInMemory } from '../../../apps/cold-chain/src/database/open-pglite.ts'
import { until } from '../../kit/until.ts'
import { freePort } from '../../servers/free-port.ts'
import { startRedisServer } from '../../servers/redis-server.ts'
import { freshSchema } from '../cold-chain/kit/databases.ts'
import { startTestApp, TenantClient } from '../cold-chain/kit/test-app.ts'
import type { Instance, Message } from './kit/instance.ts'
import { startServers } from './kit/servers.ts'

/** Three seconds. */
const ESCALATE_AFTER_MINUTES = '0.05'

const releases: (() => unknown)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

interface OpenAlert {
  readonly id: number
  readonly status: string
  readonly escalatedAt: string | null
}

/** How often each alert was told to have escalated because nobody came. */
async function countEscalations(instance: Instance): Promise<Map<number, number>> {
  const told = new Map<number, number>()
  const socket = await instance.socket()
  releases.push(() => socket.disconnect())
  socket.on('alertUpdated', ({ alert }: Message) => {
    if (alert?.escalatedAt) told.set(alert.id, (told.get(alert.id) ?? 0) + 1)
  })
  return told
}

async function openAlerts(instance: Instance): Promise<OpenAlert[]> {
  return (await instance.get('alerts/history?limit=500')).alerts.filter(
    ({ status }: { status: string }) => status !== 'resolved',
  )
}

describe('alerts that nobody acknowledges, with three instances', () => {
  it('S2-1, S2-2: escalate once, whoever has the job; BullMQ, cache and sockets keep to their own keys', async () => {
    const servers = await startServers()
    releases.push(() => servers.end())
    const [a, b, c] = (await servers.start(['a', 'b', 'c'], { ESCALATE_AFTER_MINUTES })) as [
      Instance,
      Instance,
      Instance,
    ]
    // A cache listens from its first read on.
    for (const instance of [a, b, c]) await instance.get('alerts')
    const told = await countEscalations(c)
    const units = await a.units()
    for (const unit of units) await a.reading(unit, 'warm')
    const [seen, gone, ...rest] = await openAlerts(b)
    const acknowledged = await b.post(`alerts/${seen!.id}/acknowledge`)
    const resolved = await c.post(`alerts/${gone!.id}/resolve`)
    expect([acknowledged.status, resolved.status]).toEqual([200, 200])
    // On a slow machine it may have escalated before somebody came.
    const answers = (await Promise.all([acknowledged.json(), resolved.json()])) as { alert: OpenAlert }[]
    const late = answers.map(({ alert }) => alert).filter(({ escalatedAt }) => escalatedAt !== null)
    const expected = [...rest, ...late].map(({ id }) => id)

    await until(() => expected.every((id) => told.has(id)), { what: 'every escalation', withinMs: 60_000 })
    const jobs = await servers.redis.client().zcard('cold-chain:jobs:alert-escalations:delayed')
    expect(jobs).toBe(0)
    expect([...told].sort()).toEqual(expected.map((id) => [id, 1]).sort())
    const escalated = (await openAlerts(a)).filter(({ escalatedAt }) => escalatedAt !== null)
    expect(escalated.map(({ id }) => id).sort()).toEqual(rest.map(({ id }) => id).sort())

    const redis = servers.redis.client()
    const keys = await redis.keys('*')
    const owners = keys.map((key) => /^cold-chain:(cache|jobs):/.exec(key)?.[1])
    expect(new Set(owners)).toEqual(new Set(['cache', 'jobs']))
    const channels = (await redis.call('PUBSUB', 'CHANNELS', '*')) as string[]
    const talkers = channels.map((channel) => /^cold-chain:(cache|sockets)/.exec(channel)?.[1])
    expect(new Set(talkers)).toEqual(new Set(['cache', 'sockets']))
  })

  it('come back when Redis has lost their jobs, and when the instance that planned them is killed', async () => {
    const servers = await startServers()
    releases.push(() => servers.end())
    const [a] = (await servers.start(['a'], { ESCALATE_AFTER_MINUTES })) as [Instance]
    const units = await a.units()
    for (const unit of units) await a.reading(unit, 'warm')
    await a.end('SIGKILL')
    await servers.redis.client().flushall()
    // The next instance looks into the database when it starts, as each does every half a minute.
    const [b] = (await servers.start(['b'], { ESCALATE_AFTER_MINUTES })) as [Instance]
    await until(async () => (await openAlerts(b)).every(({ escalatedAt }) => escalatedAt !== null), {
      what: 'every escalation',
      withinMs: 60_000,
      everyMs: 50,
    })
    expect(await openAlerts(b)).toHaveLength(units.length)
  })
})

describe('while Redis is away', () => {
  it('from the start: alerts are raised and told, and the app closes', async () => {
    const redis = await startRedisServer({ port: await freePort() })
    releases.push(() => redis.stop())
    await redis.stop()
    const environment = { REDIS_URL: redis.url, ESCALATE_AFTER_MINUTES: '1', SECOND_BUS: 'on' }
    const app = await startTestApp(await openPgliteInMemory(freshSchema()), environment)
    releases.push(() => app.close())
    const org = new TenantClient(app, 'org-1')
    const socket = io(await app.listen(), { auth: { token: org.token }, transports: ['websocket'], forceNew: true })
    const told: string[] = []
    for (const event of ['alertCreated', 'alertUpdated', 'alertResolved']) socket.on(event, () => told.push(event))
    await until(() => socket.connected)
    const [unit] = await org.units()
    expect((await org.reading(unit!, 'warm')).status).toBe(201)
    const [alert] = (await org.get('alerts/history')).body.alerts
    expect((await org.post(`alerts/${alert.id}/acknowledge`)).status).toBe(200)
    expect((await org.reading(unit!, 'cold')).status).toBe(201)
    await until(() => told.length === 3, { what: 'every event' })
    expect(told).toEqual(['alertCreated', 'alertUpdated', 'alertResolved'])
    socket.disconnect()
    await app.close()
  })
})
