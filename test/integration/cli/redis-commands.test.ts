import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { deferred } from '../../kit/twin-caches.ts'
import { until } from '../../kit/until.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { cli } from './run-cli.ts'

const units = definePolicy({ name: 'units', ttl: '1h', tags: () => ['units'] })
const users = definePolicy({ name: 'users', ttl: '1h' })

let server: RedisServer
let cache: Cache
let redis: ReturnType<RedisServer['client']>

beforeAll(async () => {
  server = await startRedisServer()
  redis = server.client()
})

afterAll(async () => {
  await cache.close()
  await server.stop()
})

beforeEach(async () => {
  await cache?.close()
  await redis.flushall()
  cache = createCache({ name: 'shop', tiers: [memoryTier(), redisTier({ client: redis, prefix: 'app:' })] })
})

const at = () => ['--redis', server.url, '--name', 'shop', '--prefix', 'app:']
const json = (text: string) => JSON.parse(text) as Record<string, unknown>

describe('stats', () => {
  it('counts what Redis holds, by policy and tenant', async () => {
    for (const [tenant, count] of [
      ['org-1', 3],
      ['org-2', 1],
    ] as const) {
      for (let n = 0; n < count; n++) await cache.tenant(tenant).set(units, n, n)
    }
    await cache.tenant('org|2').set(users, 'a', 1)
    const { code, out } = await cli(['stats', ...at(), '--json'])
    expect(code).toBe(0)
    expect(json(out)).toEqual({
      counted: 5,
      isAll: true,
      tenantCount: 3,
      policies: { 'units@1': 4, 'users@1': 1 },
      tenants: { 'org-1': 3, 'org-2': 1, 'org|2': 1 },
    })
    const { out: text } = await cli(['stats', ...at(), '--top', '1'])
    expect(text).toContain(`5 entries at ${server.url}`)
    expect(text).toMatch(/^org-1 +3$/m)
    expect(text).not.toContain('org-2')
  })

  it('stops at its limit, and says so', async () => {
    for (let n = 0; n < 30; n++) await cache.set(users, n, n)
    const { out } = await cli(['stats', ...at(), '--limit', '10'])
    expect(out).toMatch(/^\d+ entries counted; there are more|^30 entries/)
  })
})

describe('get', () => {
  it('shows what is held, and the value only when asked', async () => {
    await cache.tenant('org-1').set(units, 'a', { name: 'value-1' })
    const args = ['get', 'units', 'a', '--tenant', 'org-1', ...at()]
    const { code, out } = await cli([...args, '--json'])
    expect(code).toBe(0)
    expect(json(out)).toMatchObject({ policy: 'units', key: 'a', tenant: 'org-1', state: 'fresh', tags: ['units'] })
    expect(out).not.toContain('value-1')
    expect((await cli([...args, '--value'])).out).toContain("value    { name: 'value-1' }")
  })

  it('ends with 1 where nothing is held; a number is another key than its text', async () => {
    await cache.set(users, 5, 'five')
    expect(await cli(['get', 'users', '5', ...at()])).toMatchObject({
      code: 1,
      out: expect.stringContaining('missing'),
    })
    expect(await cli(['get', 'users', '5', '--number', ...at()])).toMatchObject({ code: 0 })
    expect(await cli(['get', 'users@2', '5', '--number', ...at()])).toMatchObject({ code: 1 })
  })

  it('shows what would steer a terminal instead of sending it there', async () => {
    await cache.set(users, 'a', '\u001b[2J\u202egone')
    const { out } = await cli(['get', 'users', 'a', '--value', ...at()])
    for (const steering of ['\u001b', '\u202e']) expect(out).not.toContain(steering)
  })
})

describe('doctor', () => {
  it('says what the server means for a cache; ends with 1 where a promise is broken', async () => {
    const sound = await cli(['doctor', ...at(), '--json'])
    const [report] = JSON.parse(sound.out) as [{ isSound: boolean; findings: { topic: string; level: string }[] }]
    expect(report.findings.length).toBeGreaterThan(3)
    expect(sound.code).toBe(report.isSound ? 0 : 1)
    const text = await cli(['doctor', ...at()])
    expect(text.code).toBe(sound.code)
    expect(text.out).toMatch(/^(✓ good|! look|✗ broken) /m)
  })
})

describe('explain', () => {
  it('says what Redis holds, and why a read would hit or miss', async () => {
    await cache.tenant('org-1').set(units, 'a', 'value-1')
    const args = ['explain', 'units', 'a', '--tenant', 'org-1', ...at()]
    const held = await cli([...args, '--json'])
    expect(held.code).toBe(0)
    expect(json(held.out)).toMatchObject({
      answer: 'redis',
      tiers: [{ tier: 'redis', state: 'fresh', tags: ['units'] }],
    })
    await cache.tenant('org-1').invalidate({ tags: ['units'] })
    const dead = await cli(args)
    expect(dead.out).toMatch(/^units@1 a of org-1: a read is answered by a fill\n {2}redis +dead /)
    expect(dead.out).not.toContain('value-1')
  })
})

describe('rest-proxy', () => {
  it('answers as Upstash does until it is interrupted', async () => {
    const stop = new AbortController()
    const started = deferred<string>()
    const running = cli(['rest-proxy', '--port', '0', '--redis', server.url, '--json'], {
      env: { FRESHTIER_TOKEN: 'local-only' },
      signal: stop.signal,
      onLine: (line) => started.resolve((JSON.parse(line) as { url: string }).url),
    })
    const headers = { authorization: 'Bearer local-only' }
    const answered = await fetch(`${await started.promise}/ping`, { headers })
    expect(await answered.json()).toEqual({ result: 'PONG' })
    stop.abort()
    expect((await running).code).toBe(0)
  })

  it('wants a token and a port that is free', async () => {
    expect(await cli(['rest-proxy', '--redis', server.url])).toMatchObject({ code: 2 })
    const env = { FRESHTIER_TOKEN: 'local-only', REDIS_URL: server.url }
    expect(await cli(['rest-proxy', '--port', String(server.port)], { env })).toMatchObject({
      code: 3,
      err: `error: Port ${server.port} cannot be used (EADDRINUSE); choose another with --port.`,
    })
    expect(await cli(['rest-proxy', '--port', '70000'], { env })).toMatchObject({ code: 2 })
  })
})

describe('invalidate', () => {
  it('is seen by a process that holds the value in memory', async () => {
    const scope = cache.tenant('org-1')
    await scope.set(units, 'a', 1)
    await scope.set(users, 'b', 1)
    const { code, out } = await cli([
      'invalidate',
      '--tag',
      'units',
      '--entry',
      'users:b',
      '--tenant',
      'org-1',
      ...at(),
    ])
    expect({ code, out }).toEqual({ code: 0, out: 'Invalidated 1 tag and 1 entry, acknowledged.' })
    await until(async () => (await scope.get(units, 'a')) === undefined, { what: 'the invalidation by tag' })
    await until(async () => (await scope.get(users, 'b')) === undefined, { what: 'the invalidation by key' })
  })

  it('gives a receipt that a read can wait for', async () => {
    await cache.set(users, 5, 'old')
    const { out } = await cli(['invalidate', '--entry', 'users#5', ...at(), '--json'])
    const { receipt } = json(out) as { receipt: { state: string; token: string } }
    expect(receipt.state).toBe('acknowledged')
    expect(await cache.getOrFill(users, 5, () => 'new', { after: receipt.token })).toBe('new')
  })
})

describe('tail', () => {
  it('shows each invalidation, until it has seen enough or is interrupted', async () => {
    await cache.tenant('org-1').set(units, 'a', 1)
    const running = cli(['tail', '--max', '2', '--interval', '50', ...at(), '--json'])
    const lines = async (): Promise<string> => {
      // It shows what comes after its start, so there must be something until it has seen it.
      await cache.tenant('org-1').invalidate({ tags: ['units'] })
      return ''
    }
    let isOver = false
    void running.then(() => {
      isOver = true
    })
    await until(async () => (await lines()) === '' && isOver, { what: 'two lines', everyMs: 20 })
    const { code, out } = await running
    expect(code).toBe(0)
    const told = out.split('\n').map(json)
    expect(told).toHaveLength(2)
    expect(told[1]).toMatchObject({ type: 'invalidated', tenant: 'org-1', tags: ['units'], clear: false, soft: false })
  })

  it('ends with 130 when interrupted', async () => {
    const stop = new AbortController()
    const running = cli(['tail', '--interval', '50', ...at()], { signal: stop.signal })
    stop.abort()
    expect((await running).code).toBe(130)
  })
})

describe('purge', () => {
  async function fillTenants(): Promise<void> {
    for (let n = 0; n < 60; n++) await cache.tenant('org-1').set(units, n, n)
    for (const other of ['org-10', 'org-1|x', 'ORG-1', '*', 'org-?']) await cache.tenant(other).set(units, 'kept', 1)
    await cache.set(units, 'kept', 1)
    await redis.set('app:foreign', 'kept')
  }

  it('takes out everything of one tenant, and nothing else', async () => {
    await fillTenants()
    const before = await redis.dbsize()
    const { code, out } = await cli(['purge', 'org-1', '--yes', ...at(), '--json'])
    expect(code).toBe(0)
    expect(json(out)).toMatchObject({
      tenant: 'org-1',
      isDryRun: false,
      isDone: true,
      found: { entries: 60 },
      deleted: 60,
      cursor: '0',
      cleared: expect.stringMatching(/^\d+:/),
    })
    expect(await redis.dbsize()).toBe(before - 60)
    await until(async () => (await cache.tenant('org-1').get(units, 1)) === undefined, { what: 'the clear' })
    for (const other of ['org-10', 'org-1|x', 'ORG-1', '*', 'org-?']) {
      expect(await cache.tenant(other).get(units, 'kept')).toBe(1)
    }
  })

  it('takes a tenant named like a pattern by its name', async () => {
    await fillTenants()
    await cache.tenant('x').set(units, 'kept', 1)
    const { out } = await cli(['purge', '*', '--yes', ...at(), '--json'])
    expect(json(out)).toMatchObject({ deleted: 1 })
    expect(await cache.tenant('x').get(units, 'kept')).toBe(1)
    expect(await cache.tenant('org-10').get(units, 'kept')).toBe(1)
  })

  it('only counts in a dry run', async () => {
    await fillTenants()
    const { code, out } = await cli(['purge', 'org-1', '--dry-run', ...at()])
    expect({ code, out }).toEqual({ code: 0, out: 'Found 60 entries and 0 leases.' })
    expect(await cache.tenant('org-1').get(units, 1)).toBe(1)
  })

  it('asks for --yes first', async () => {
    await fillTenants()
    const { code, err } = await cli(['purge', 'org-1', ...at()])
    expect({ code, err }).toEqual({
      code: 2,
      err: "error: This deletes everything of tenant 'org-1'. Say --yes, or look first with --dry-run.",
    })
    expect(await cache.tenant('org-1').get(units, 1)).toBe(1)
  })

  it('goes on where it was interrupted', async () => {
    const pipeline = redis.pipeline()
    for (let n = 0; n < 20_000; n++) pipeline.set(`app:other-${n}`, '1')
    await pipeline.exec()
    await fillTenants()
    const stop = new AbortController()
    let commands = 0
    const monitor = await redis.monitor()
    monitor.on('monitor', (_time: string, [name]: string[]) => {
      if (name?.toUpperCase() === 'SCAN' && ++commands === 3) stop.abort()
    })
    const first = await cli(['purge', 'org-1', '--yes', '--rate', '1000000', ...at(), '--json'], {
      signal: stop.signal,
    })
    monitor.disconnect()
    const stopped = json(first.out) as { cursor: string; isDone: boolean; deleted: number }
    expect(first.code).toBe(130)
    expect(stopped.isDone).toBe(false)
    const second = await cli(['purge', 'org-1', '--yes', '--resume', stopped.cursor, ...at(), '--json'])
    const finished = json(second.out) as { deleted: number; cleared?: string }
    expect(second.code).toBe(0)
    expect(finished.cleared).toBeUndefined()
    expect(stopped.deleted + finished.deleted).toBe(60)
  })
})
