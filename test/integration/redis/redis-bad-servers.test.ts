import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/system-clock.js'
import { type CacheEvent, type Clock, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { type RedisClient, type RedisTierOptions, redisTier } from '../../../src/redis/index.js'
import { offClock } from '../../kit/off-clock.ts'
import { until } from '../../kit/until.ts'
import { SINGLE } from '../../servers/clients.ts'
import { freePort } from '../../servers/free-port.ts'
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

function cacheOver(client: RedisClient, options: Partial<RedisTierOptions> = {}, clock: Clock = systemClock) {
  const events: CacheEvent[] = []
  const cache = createCache({ name: 'test', tiers: [memoryTier(), redisTier({ client, ...options })], clock })
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

describe('a wrong port', () => {
  /** Speaks, but not as Redis does. */
  async function stranger(): Promise<number> {
    const sockets = new Set<Socket>()
    const listener = createServer((socket) => {
      sockets.add(socket.on('error', () => {}))
      socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    ended.push(() => {
      for (const socket of sockets) socket.destroy()
      listener.close()
    })
    return (listener.address() as AddressInfo).port
  }

  test.each<[string, () => Promise<number>]>([
    ['nobody listens', freePort],
    ['somebody else answers', stranger],
  ])('%s: every call is answered, an invalidation is not acknowledged', async (_what, portOf) => {
    const port = await portOf()
    for (const connect of Object.values(SINGLE)) {
      const { client, close } = await connect(port)
      ended.push(close)
      const { org, of } = cacheOver(client)
      expect(await org.getOrFill(units, 'all')).toEqual({ org: 'all', count: 7 })
      expect(await org.getMany(units, ['other'], { consistency: 'strict' })).toEqual(new Map())
      expect(of('tier-failed').length).toBeGreaterThan(0)
      await expect(org.clear()).rejects.toMatchObject({ code: 'SHARED_TIER_FAILED' })
    }
  })
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
    ['an entry with more behind it', (text) => `${text} `],
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

describe('clocks wrong by an hour', () => {
  const HOUR_MS = 3_600_000
  const entry = definePolicy({ name: 'entry', ttl: '10m', jitter: 0, tags: () => ['t'], stale: { ifError: '10m' } })

  test.each([
    ['ahead', HOUR_MS],
    ['behind', -HOUR_MS],
  ])('a process whose clock is an hour %s reads, stores and invalidates like any other', async (_what, offsetMs) => {
    const server = await start()
    const right = cacheOver(server.client()).org
    const wrong = cacheOver(server.client(), {}, offClock(offsetMs)).org
    for (const [writer, reader] of [
      [right, wrong],
      [wrong, right],
    ] as const) {
      await writer.getOrFill(entry, 'k', () => 'old')
      const found = await reader.getEntry(entry, 'k', { consistency: 'strict' })
      expect(found).toMatchObject({ state: 'fresh', value: 'old' })
      // Of ten minutes little has passed, whatever the clocks say.
      expect((found as { ttlMs: number }).ttlMs).toBeGreaterThan(5 * 60_000)
      expect((found as { ageMs: number }).ageMs).toBeLessThan(5 * 60_000)
      const after = await writer.invalidate({ tags: ['t'] })
      expect(await reader.getOrFill(entry, 'k', () => 'new', { after })).toBe('new')
      await reader.delete(entry, 'k')
      expect(await writer.get(entry, 'k', { consistency: 'strict' })).toBeUndefined()
    }
  })
})

describe('a forged receipt', () => {
  const stranger = 'x'.repeat(8)

  test.each<[string, (token: string) => string]>([
    ['of a log that is none', (token) => token.replace(/^\d+/, '999')],
    ['of another generation', (token) => token.replace(/^(\d+):[^:]+/, `$1:${stranger}`)],
    ['of a row to come', (token) => token.replace(/\d+-\d+$/, '9999999999999999-0')],
    ['of the beginning', (token) => token.replace(/\d+-\d+$/, '0-1')],
  ])('%s makes a read stricter at most, and never older', async (_what, forge) => {
    const server = await start()
    // Deaf to pub/sub: what was invalidated it learns from the log, when it looks.
    await server.client().call('ACL', 'SETUSER', 'deaf', 'on', '>secret', '~*', 'resetchannels', '+@all')
    const other = cacheOver(server.client()).org
    const { org } = cacheOver(server.client({ username: 'deaf', password: 'secret' }))
    await org.getOrFill(units, 'all', async () => ({ org: 'old', count: 1 }))
    const { token } = await other.delete(units, 'all')
    await other.getOrFill(units, 'all', async () => ({ org: 'new', count: 2 }))
    const told = await org.getOrFill(units, 'all', { after: forge(token) })
    // Within the bound it may still be the old one where the forgery asks for less than the receipt did.
    if (!forge(token).endsWith(':0-1')) expect(told).toEqual({ org: 'new', count: 2 })
    expect(await org.getOrFill(units, 'all', { after: token })).toEqual({ org: 'new', count: 2 })
  })

  test.each(['hello', '0:only-two', '0:g:1-1~', `0:${'g'.repeat(40)}:1-1`, '-1:g:1-1', 'x'.repeat(5_000)])(
    'that is no token is refused: %.20s',
    async (after) => {
      const { org } = cacheOver((await start()).client())
      await expect(org.get(units, 'all', { after })).rejects.toMatchObject({ code: 'INVALID_RECEIPT' })
    },
  )
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
