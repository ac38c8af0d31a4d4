import { io, type Socket } from 'socket.io-client'
import { afterEach, describe, expect, it } from 'vitest'
import type { App } from '../../../apps/cold-chain/src/app.ts'
import type { Change } from '../../../apps/cold-chain/src/domain/change.ts'
import { ChangePublisher } from '../../../apps/cold-chain/src/realtime/publish-changes.ts'
import { until } from '../../kit/until.ts'
import { startRedisServer } from '../../servers/redis-server.ts'
import { beginPostgres, DATABASES } from './kit/databases.ts'
import { startTestApp, TenantClient } from './kit/test-app.ts'

const ROUNDS = 300
const PATIENCE_MS = 120_000
/** What each event makes worth asking again. */
const QUESTIONS: Record<string, readonly string[]> = {
  unitUpdate: ['unit-status', 'stats'],
  alertCreated: ['alerts', 'alerts/open', 'stats'],
  alertUpdated: ['alerts', 'alerts/open', 'stats'],
  alertResolved: ['alerts', 'alerts/open', 'stats'],
}

const releases: (() => unknown)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

/** A browser: on every event it asks again over HTTP, and writes down what was older than the event. */
async function openBrowser(socketUrl: string, askUrl: string, token: string) {
  const seen = { events: {} as Record<string, number>, answers: 0, older: [] as string[], pending: 0 }
  const socket: Socket = io(socketUrl, { auth: { token }, transports: ['websocket'], forceNew: true })
  releases.push(() => socket.disconnect())
  for (const [name, paths] of Object.entries(QUESTIONS)) {
    socket.on(name, async (message: { version: number; receipt?: string }) => {
      seen.pending += 1
      seen.events[name] = (seen.events[name] ?? 0) + 1
      const headers = {
        authorization: `Bearer ${token}`,
        ...(message.receipt ? { 'cache-after': message.receipt } : {}),
      }
      await Promise.all(
        paths.map(async (path) => {
          const { version } = (await (
            await fetch(`${askUrl}/api/organisations/org-1/${path}`, { headers })
          ).json()) as { version: number }
          seen.answers += 1
          if (!(version >= message.version)) seen.older.push(`${name} ${message.version}: ${path} ${version}`)
        }),
      )
      seen.pending -= 1
    })
  }
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject))
  return seen
}

/** Readings that change a state each time, alerts acknowledged now and then, and readers that keep every entry filled. */
async function play(
  app: App,
  url: string,
  rounds: number,
  seen: Awaited<ReturnType<typeof openBrowser>>,
): Promise<void> {
  const org = new TenantClient(app, 'org-1')
  const units = await org.units()
  let reading = true
  const readAll = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${org.token}` }
    for (let index = 0; reading; index += 1) {
      const path = ['unit-status', 'alerts', 'alerts/open', 'stats'][index % 4]
      await (await fetch(`${url}/api/organisations/org-1/${path}`, { headers })).arrayBuffer()
    }
  }
  const write = async (): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const unit = units[round % units.length]!
      await org.reading(unit, Math.floor(round / units.length) % 2 === 0 ? 'warm' : 'cold')
      if (round % 25 === 0) await acknowledgeOne(org)
    }
  }
  const writing = write().finally(() => {
    reading = false
  })
  await Promise.all([readAll(), writing])
  await until(() => (seen.events.unitUpdate ?? 0) === rounds && seen.pending === 0, {
    what: 'an answer to every event',
    withinMs: 120_000,
  })
}

async function acknowledgeOne(org: TenantClient): Promise<void> {
  const [alert] = (await org.get('alerts/open')).body.alerts
  if (alert) await org.post(`alerts/${alert.id}/acknowledge`)
}

describe.each(DATABASES)('commit, invalidate, emit, on $name', ({ begin }) => {
  it(
    `S2-8, S2-38: ${ROUNDS} rounds; who asks again on an event never sees an older answer`,
    async () => {
      const source = await begin()
      releases.push(() => source.end())
      const app = await startTestApp(await source.open())
      releases.push(() => app.close())
      const url = await app.listen()
      const seen = await openBrowser(url, url, app.tokens.issue('org-1').token)
      await play(app, url, ROUNDS, seen)
      expect(seen.older).toEqual([])
      expect(Object.keys(seen.events).sort()).toEqual(['alertCreated', 'alertResolved', 'alertUpdated', 'unitUpdate'])
      expect(seen.answers).toBeGreaterThan(2 * ROUNDS)
    },
    PATIENCE_MS,
  )
})

describe.each(['memory+shared', 'shared'])('commit, invalidate, emit, with Redis (CACHE_TIERS=%s)', (tiers) => {
  it(
    'S2-2, S2-8: who hears the event of one process and asks another one never sees an older answer',
    async () => {
      const redis = await startRedisServer()
      releases.push(() => redis.stop())
      const postgres = await beginPostgres()
      releases.push(() => postgres.end())
      const environment = { REDIS_URL: redis.url, CACHE_TIERS: tiers }
      const writing = await startTestApp(await postgres.open('two_processes'), environment)
      releases.push(() => writing.close())
      const other = await startTestApp(await postgres.open('two_processes'), environment)
      releases.push(() => other.close())
      const token = writing.tokens.issue('org-1').token
      const otherUrl = await other.listen()
      const seen = await openBrowser(await writing.listen(), otherUrl, token)
      await play(writing, otherUrl, 150, seen)
      expect(seen.older).toEqual([])
      const { redis: shared } = other.cache.cache!.stats().tiers
      expect(shared!.errors).toBe(0)
    },
    PATIENCE_MS,
  )
})

describe('the publisher', () => {
  const change = (organisationId: string, version: number): Change => ({
    type: 'device-status-changed',
    organisationId,
    version,
    siteId: 1,
    unitId: 1,
    deviceId: 1,
    online: true,
  })

  it('C18: emits only after the invalidation is acknowledged', async () => {
    const steps: string[] = []
    let acknowledge = (): void => {}
    const publisher = new ChangePublisher({
      invalidate: (_, tags) =>
        new Promise((resolve) => {
          steps.push(`invalidate ${tags}`)
          acknowledge = () => resolve('receipt')
        }),
      emit: (_, receipt) => steps.push(`emit ${receipt}`),
      invalidationFailed: () => steps.push('failed'),
    })
    const told = publisher.publish([change('org-1', 1)])
    await until(() => steps.length === 1)
    acknowledge()
    await told
    expect(steps).toEqual(['invalidate devices', 'emit receipt'])
  })

  it('S2: an invalidation that fails is reported and does not block the event', async () => {
    const steps: string[] = []
    const publisher = new ChangePublisher({
      invalidate: () => Promise.reject(new Error('redis is away')),
      emit: () => steps.push('emit'),
      invalidationFailed: (organisationId, tags, error) =>
        steps.push(`${organisationId} ${tags} ${(error as Error).message}`),
    })
    await publisher.publish([change('org-1', 1)])
    expect(steps).toEqual(['org-1 devices redis is away', 'emit'])
  })

  it('tells the changes of one organisation in their order, and lets no organisation wait for another', async () => {
    const emitted: string[] = []
    const acknowledge = new Map<string, () => void>()
    const publisher = new ChangePublisher({
      invalidate: (organisationId) =>
        new Promise((resolve) => {
          acknowledge.set(organisationId, () => resolve(undefined))
        }),
      emit: ({ organisationId, version }) => emitted.push(`${organisationId} ${version}`),
      invalidationFailed: () => {},
    })
    const first = publisher.publish([change('a', 1), change('b', 1)])
    const second = publisher.publish([change('a', 2)])
    await until(() => acknowledge.size === 2)
    acknowledge.get('b')!()
    await until(() => emitted.length === 1)
    acknowledge.get('a')!()
    await first
    await until(() => emitted.length === 2)
    acknowledge.get('a')!()
    await second
    expect(emitted).toEqual(['b 1', 'a 1', 'a 2'])
  })
})
