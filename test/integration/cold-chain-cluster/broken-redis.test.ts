import { afterEach, describe, expect, it } from 'vitest'
import { Dashboard } from '../../../apps/cold-chain/src/dashboard/dashboard.ts'
import { createQuestions, WHOLE } from '../../../apps/cold-chain/src/dashboard/questions.ts'
import { leaseToken } from '../../../src/core/lease-token.ts'
import { namespaceId, spacePrefix, storedKey } from '../../../src/core/stored-key.ts'
import { seededRandom, sharedTier } from '../../../src/testing/index.ts'
import { FaultProxy } from '../../kit/fault-proxy.ts'
import { twinCaches } from '../../kit/twin-caches.ts'
import { until } from '../../kit/until.ts'
import { startRedisServer } from '../../servers/redis-server.ts'
import { beginPostgres } from '../cold-chain/kit/databases.ts'
import { startTestApp, TenantClient } from '../cold-chain/kit/test-app.ts'

/** What a caller of the board is promised (S4-3). */
const IN_TIME_MS = 2_500

const releases: (() => unknown)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

describe('S4-3: cold-chain, while something of its cluster is broken', () => {
  it('an instance that is killed in the middle of a fill leaves the others more than half of their time', async () => {
    const twins = twinCaches(1)
    releases.push(() => twins.close())
    const { clock, server, caches } = twins
    const database = { query: async <Row>() => [{ version: 1, online: 3, offline: 0, total: 3 }] as Row[] }
    const { devicesOnline } = createQuestions(database, 60)
    const dashboard = new Dashboard({ cache: caches[0] })
    const { name, version, rules } = devicesOnline.policy
    const random = seededRandom(1)
    const killed = sharedTier({ server }).open({ cacheName: 'test', clock, random })
    const key = storedKey(spacePrefix(namespaceId('org-1'), name, version), WHOLE)
    const { leaseMs } = rules.coordinate
    const [acquired] = (
      await killed.acquire(namespaceId('org-1'), [{ key, token: leaseToken(random.fillId(), 5), leaseMs }])
    ).acquired
    expect(acquired).toMatchObject({ state: 'leader' })
    const answer = dashboard.read(devicesOnline, 'org-1', WHOLE)
    let isAnswered = false
    void answer.then(() => {
      isAnswered = true
    })
    await clock.advance(IN_TIME_MS / 2)
    expect(isAnswered).toBe(true)
    expect((await answer)?.provenance.outcome).toBe('filled')
  })

  it('a change that Redis did not acknowledge is known everywhere when Redis is back, not when the ttl ends', async () => {
    const redis = await startRedisServer()
    releases.push(() => redis.stop())
    const postgres = await beginPostgres()
    releases.push(() => postgres.end())
    const line = await FaultProxy.start({ port: redis.port })
    releases.push(() => line.close())
    const environment = { CACHE_TTL_SECONDS: '3600', OFFLINE_AFTER_SECONDS: '86400' }
    const writing = await startTestApp(await postgres.open('outage'), { ...environment, REDIS_URL: line.url })
    releases.push(() => writing.close())
    const other = await startTestApp(await postgres.open('outage'), { ...environment, REDIS_URL: redis.url })
    releases.push(() => other.close())
    const [writer, reader] = [new TenantClient(writing, 'org-1'), new TenantClient(other, 'org-1')]
    const [unit] = await writer.units()
    const { body: before } = await reader.get('unit-status')

    line.refuses = true
    line.cut()
    await until(() => writing.cache.cache!.stats().tiers.redis!.breakers?.commands === 'open', {
      what: 'a line that is cut',
    })
    await writer.reading(unit!, 'warm')
    expect((await writer.get('unit-status')).body.version).toBeGreaterThan(before.version)
    expect((await reader.get('unit-status')).body.version).toBe(before.version)
    line.heal()
    await until(async () => (await reader.get('unit-status')).body.version > before.version, {
      what: 'the change at the other instance',
      withinMs: 30_000,
      everyMs: 100,
    })
  })
})
