import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type CacheEvent, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { type RedisClient, type RedisTierOptions, redisTier } from '../../../src/redis/index.js'
import { until } from '../../kit/until.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { KEY, NAMESPACE, openRedisTier } from './open-redis-tier.ts'

const units = definePolicy({ name: 'unit-counts', ttl: '60s', fill: async (org: string) => ({ org, count: 7 }) })
const DATA = 'test:c1:d:{5:org-7|unit-counts@1|all}'

const rejections: unknown[] = []
const onRejection = (reason: unknown): void => void rejections.push(reason)
beforeAll(() => process.on('unhandledRejection', onRejection))
afterAll(() => process.off('unhandledRejection', onRejection))

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
  expect(rejections).toEqual([])
})

async function start(args: readonly string[] = []): Promise<RedisServer> {
  const server = await startRedisServer({ args })
  ended.push(() => server.stop())
  return server
}

function cacheOver(client: RedisClient, options: Partial<RedisTierOptions> = {}) {
  const events: CacheEvent[] = []
  const cache = createCache({ name: 'test', tiers: [memoryTier(), redisTier({ client, ...options })] })
  cache.on('*', (event) => events.push(event))
  ended.push(() => cache.close())
  return { cache, org: cache.tenant('org-7'), events, of: (type: string) => events.filter((one) => one.type === type) }
}

function quiet(client: Redis): Redis {
  client.on('error', () => {})
  ended.push(() => client.disconnect())
  return client
}

describe('wrong credentials', () => {
  test.each(['ioredis', 'node-redis'])(
    'with %s: every call is answered, and told as failures of the tier',
    async (library) => {
      const { port } = await start(['--requirepass', 'right'])
      const nodeRedis = createClient({ socket: { host: '127.0.0.1', port }, password: 'wrong' })
      nodeRedis.on('error', () => {})
      if (library === 'node-redis') {
        nodeRedis.connect().catch(() => {})
        ended.push(() => nodeRedis.destroy())
      }
      const client: RedisClient =
        library === 'node-redis' ? nodeRedis : quiet(new Redis({ host: '127.0.0.1', port, password: 'wrong' }))
      const { org, of } = cacheOver(client)
      expect(await org.getOrFill(units, 'all')).toEqual({ org: 'all', count: 7 })
      expect(of('tier-failed').length).toBeGreaterThan(0)
      await expect(org.delete(units, 'all')).rejects.toMatchObject({ code: 'SHARED_TIER_FAILED' })
    },
  )
})

describe('a server without room that evicts nothing', () => {
  async function full(): Promise<{ admin: Redis; client: Redis }> {
    const server = await start(['--maxmemory-policy', 'noeviction'])
    const admin = server.client()
    await admin.set('foreign', 'x'.repeat(20_000))
    await admin.config('SET', 'maxmemory', '1')
    await expect(admin.set('foreign', 'more')).rejects.toThrow('OOM')
    return { admin, client: server.client() }
  }

  test('callers get their values, kept in memory; no entry is stored, and nothing of others is touched', async () => {
    const { admin, client } = await full()
    const { org } = cacheOver(client)
    for (let call = 0; call < 2; call++) expect(await org.getOrFill(units, 'all')).toEqual({ org: 'all', count: 7 })
    expect(await admin.exists(DATA)).toBe(0)
    expect(await admin.strlen('foreign')).toBe(20_000)
  })

  test('invalidations are acknowledged all the same, and others hear of them', async () => {
    const { admin, client } = await full()
    await admin.config('SET', 'maxmemory', '0')
    const other = cacheOver(client)
    const { org } = cacheOver(client)
    expect(await org.getOrFill(units, 'all')).toEqual({ org: 'all', count: 7 })
    expect(await other.org.getOrFill(units, 'all')).toEqual({ org: 'all', count: 7 })
    await admin.config('SET', 'maxmemory', '1')
    const receipts = [await org.delete(units, 'all'), await org.invalidate({ tags: ['x'] }), await org.clear()]
    for (const after of receipts) {
      const fresh = await other.org.getOrFill(units, 'all', async () => ({ org: 'new', count: 8 }), { after })
      expect(fresh).toEqual({ org: 'new', count: 8 })
    }
  })

  test('a fill that ends when the server has become full ends its lease and says so', async () => {
    const server = await start()
    const { org, of } = cacheOver(server.client(), { highWaterMark: 1 })
    const fill = async (): Promise<{ org: string; count: number }> => {
      await server.client().config('SET', 'maxmemory', '1')
      return { org: 'late', count: 1 }
    }
    expect(await org.getOrFill(units, 'all', fill)).toEqual({ org: 'late', count: 1 })
    expect(of('not-stored')).toMatchObject([{ cause: 'full' }])
    expect(await server.client().exists(DATA.replace(':d:', ':l:'))).toBe(0)
  })
})

test('a read-only replica: reads are answered, fills go on alone, an invalidation is not acknowledged', async () => {
  const primary = await start()
  const replica = await start(['--replicaof', '127.0.0.1', String(primary.port)])
  const other = cacheOver(primary.client())
  await other.org.getOrFill(units, 'all', async () => ({ org: 'primary', count: 1 }))
  await until(async () => (await replica.client().exists(DATA)) === 1, { withinMs: 60_000 })
  const { org } = cacheOver(replica.client())
  expect(await org.getOrFill(units, 'all')).toEqual({ org: 'primary', count: 1 })
  expect(await org.getOrFill(units, 'other')).toEqual({ org: 'other', count: 7 })
  await expect(org.delete(units, 'all')).rejects.toMatchObject({ code: 'SHARED_TIER_FAILED' })
})

describe('what others wrote under our keys is a miss, and said', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server.stop())

  /** An entry as the cache itself writes it. */
  async function written(): Promise<string> {
    const { org, cache } = cacheOver(server.client())
    await org.getOrFill(units, 'all')
    await cache.close()
    return (await server.client().get(DATA)) ?? ''
  }

  test.each<[string, (text: string) => string | Buffer]>([
    ['text of somebody else', () => 'hello'],
    ['bytes that are no text', () => Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x31])],
    ['an entry cut off in its header', (text) => text.slice(0, 40)],
    ['an entry cut off in its value', (text) => text.slice(0, -5)],
    ['an entry of an older format', (text) => `0${text.slice(1)}`],
    ['an entry of a format to come', (text) => `2${text.slice(1)}`],
    ['an entry of an unknown codec', (text) => `1z${text.slice(2)}`],
    ['an entry with letters for numbers', (text) => `${text.slice(0, 60)}zz${text.slice(62)}`],
  ])('%s', async (_what, change) => {
    await server.client().flushall()
    await server.client().set(DATA, change(await written()))
    const { org, of } = cacheOver(server.client())
    expect(await org.getEntry(units, 'all')).toMatchObject({ state: 'missing' })
    expect(of('not-stored')).toMatchObject([{ cause: 'unreadable', key: 'all' }])
    expect(await org.getOrFill(units, 'all', async () => ({ org: 'new', count: 2 }))).toEqual({ org: 'new', count: 2 })
    expect(await server.client().get(DATA)).toContain('"new"')
  })

  test('a key of another type', async () => {
    await server.client().flushall()
    await server.client().lpush(DATA, 'x')
    const { org } = cacheOver(server.client())
    expect(await org.getEntry(units, 'all')).toMatchObject({ state: 'missing' })
    expect(await org.getOrFill(units, 'all')).toEqual({ org: 'all', count: 7 })
    expect(await server.client().type(DATA)).toBe('string')
  })
})

test('a server that hangs: after the first deadline nobody waits, and when it is back nobody has to do anything', async () => {
  const server = await start()
  const client = quiet(new Redis({ host: '127.0.0.1', port: server.port }))
  const tier = openRedisTier(client, { commandTimeout: '200ms', breaker: { openTime: '50ms' } })
  ended.push(() => tier.close())
  await tier.control(NAMESPACE, [])
  const thaw = await server.freeze()
  ended.push(thaw)
  await expect(tier.read(NAMESPACE, [KEY])).rejects.toMatchObject({ code: 'SHARED_TIER_TIMEOUT' })
  for (let call = 0; call < 48; call++) {
    await expect(tier.read(NAMESPACE, [KEY])).rejects.toMatchObject({ code: 'SHARED_TIER_FAILED' })
  }
  thaw()
  const answers = (): Promise<boolean> =>
    tier.read(NAMESPACE, [KEY]).then(
      () => true,
      () => false,
    )
  await until(answers, { what: 'an answer' })
})
