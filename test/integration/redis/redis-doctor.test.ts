import { afterEach, expect, test } from 'vitest'
import { createCache, doctor, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { offClock } from '../../kit/off-clock.ts'
import { until } from '../../kit/until.ts'
import { freePort } from '../../servers/free-port.ts'
import { IOREDIS } from '../../servers/ioredis-versions.ts'
import { startRedisCluster } from '../../servers/redis-cluster.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

async function start(args: readonly string[] = []): Promise<RedisServer> {
  const server = await startRedisServer({ args })
  ended.push(() => server.stop())
  return server
}

function cacheOver(client: Parameters<typeof redisTier>[0]['client'], maxBytes?: number) {
  const cache = createCache({ name: 'test', ttl: '60s', tiers: [memoryTier(), redisTier({ client, maxBytes })] })
  ended.push(() => cache.close())
  return cache
}

/** Topic -> level and text. */
async function examine(cache: object): Promise<Record<string, string>> {
  const { findings } = await doctor(cache)
  return Object.fromEntries(findings.map(({ topic, level, says, means }) => [topic, `${level}: ${says} (${means})`]))
}

test('S2-56, HYP-003: says what a shared server would do to a queue when it is full', async () => {
  const server = await start(['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'])
  const cache = cacheOver(server.client())
  await cache.getOrFill('a', () => 'x')
  const found = await examine(cache)
  expect(found.eviction).toMatch(/^look: maxmemory-policy allkeys-lru.*BullMQ asks for noeviction/)
  expect(found.room).toMatch(/^good: uses .* of 100.0 MB .*above 90 %/)
  expect(found.reach).toMatch(/^good: Redis \d+\.\d+/)
  expect(found.clock).toMatch(/^good/)
  expect(found.scripts).toMatch(/^good: runs scripts/)
  expect(found.bound).toMatch(/^good: maxStaleness 2000 ms, poll every 500 ms.*3 polls in a row may fail/)
  expect(found.safety).toMatch(/^good: 0 replicas, no persistence/)
  await server.client().config('SET', 'maxmemory-policy', 'noeviction')
  expect((await examine(cache)).eviction).toMatch(/^good/)
  await server.client().config('SET', 'maxmemory', '900kb')
  expect((await examine(cache)).room).toMatch(/^look: .*stores nothing more/)
})

test('says what replicas, snapshots and a missing limit mean', async () => {
  const primary = await start()
  const replica = await start(['--replicaof', '127.0.0.1', String(primary.port)])
  await until(async () => /connected_slaves:1/.test(await primary.client().info('replication')), { withinMs: 60_000 })
  await primary.client().config('SET', 'save', '900 1')
  const found = await examine(cacheOver(primary.client()))
  expect(found.safety).toMatch(/^look: 1 replica, snapshots .*failover may lose/)
  expect(found.room).toMatch(/^look: .*no maxmemory/)
  const report = await doctor(cacheOver(replica.client()))
  expect(report.isSound).toBe(false)
  expect(report.findings.find(({ topic }) => topic === 'role')).toMatchObject({ level: 'broken', says: 'is a slave' })
})

test('finds a user who may not run scripts, and a server that is not there', async () => {
  const server = await start()
  await server.client().call('ACL', 'SETUSER', 'plain', 'on', '>secret', '~*', '&*', '+@all', '-@scripting')
  const report = await doctor(cacheOver(server.client({ username: 'plain', password: 'secret' })))
  expect(report.findings.find(({ topic }) => topic === 'scripts')).toMatchObject({ level: 'broken' })
  const client = IOREDIS['ioredis 6']!(await freePort())
  client.on('error', () => {})
  ended.push(() => client.disconnect())
  expect(await doctor(cacheOver(client))).toMatchObject({ isSound: false })
})

test('says of what a user may not do what it means, and what is not known then', async () => {
  const server = await start()
  const findingsOf = async (...rules: string[]) => {
    await server.client().call('ACL', 'SETUSER', 'some', 'reset', 'on', '>secret', '+@all', '-@admin', ...rules)
    const report = await doctor(
      cacheOver(server.client({ username: 'some', password: 'secret', enableReadyCheck: false })),
    )
    return Object.fromEntries(
      report.findings.map(({ topic, level, says, means }) => [topic, `${level}: ${says} ${means}`]),
    )
  }
  expect(await findingsOf('~*', '&*')).not.toHaveProperty('publish')
  // As a new user of Redis 7 is: without channels.
  const deaf = await findingsOf('~*')
  expect(deaf.publish).toMatch(/^broken: refuses PUBLISH: NOPERM .*no invalidation is acknowledged/)
  expect(deaf.subscribe).toMatch(/^look: SUBSCRIBE is refused: .*NOPERM.* noticed by the poll alone/)
  expect(await findingsOf('~*', '&*')).not.toHaveProperty('subscribe')
  expect((await findingsOf('~*', '&*', '-subscribe')).subscribe).toMatch(/^look: /)
  expect(deaf.scripts).toMatch(/^good/)
  expect((await findingsOf('~other:*', '&*')).scripts).toMatch(/^broken: refuses EVAL: NOPERM .*keys/)
  const discreet = await findingsOf('~*', '&*', '-info')
  expect(discreet.room).toMatch(/^look: refuses INFO: NOPERM .*no high-water mark/)
  expect([discreet.reach, discreet.scripts]).toEqual([expect.stringMatching(/^good/), expect.stringMatching(/^good/)])
  expect(discreet).not.toHaveProperty('safety')
})

test('sees a clock that is an hour off, and a client that hands integers on as text', async () => {
  const server = await start()
  const clock = offClock(-3_600_000)
  const client = server.client({ stringNumbers: true })
  const cache = createCache({ name: 'test', ttl: '60s', tiers: [memoryTier(), redisTier({ client })], clock })
  ended.push(() => cache.close())
  const found = await examine(cache)
  expect(found.clock).toMatch(/^look: its clock is 3(599|600)\d+ ms ahead of ours.*ages .* stay right/)
  expect(found.scripts).toMatch(/^good/)
})

test('names every node of a cluster', async () => {
  const cluster = await startRedisCluster()
  ended.push(() => cluster.stop())
  const client = cluster.client()
  await client.ping()
  const { findings, inspection } = await doctor(cacheOver(client))
  expect(inspection?.nodes.map(({ name }) => name).sort()).toEqual(
    cluster.servers.map(({ port }) => `127.0.0.1:${port}`).sort(),
  )
  expect(findings.filter(({ topic }) => topic === 'reach')).toHaveLength(3)
})

test('needs no server for a cache of memory, and refuses what is no cache', async () => {
  const cache = createCache({ ttl: '60s' })
  expect(await doctor(cache)).toMatchObject({ isSound: true, findings: [{ topic: 'tiers' }], inspection: undefined })
  await cache.close()
  await expect(doctor({})).rejects.toMatchObject({ code: 'INVALID_OPTION', field: 'doctor: cache' })
})
