import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SharedTier } from '../../../src/core/ports/shared-tier.js'
import { createCache, doctor, memoryTier } from '../../../src/index.js'
import { type RestProxy, type RestProxyOptions, startRestProxy } from '../../../src/testing/index.js'
import { upstashTier } from '../../../src/upstash/index.js'
import { until } from '../../kit/until.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { startHttpServer } from './http-server.ts'
import { KEY, NAMESPACE, openUpstashTier, TOKEN } from './open-upstash-tier.ts'

let redis: RedisServer
const opened: { close(): Promise<void> }[] = []
beforeAll(async () => {
  redis = await startRedisServer()
})
beforeEach(async () => {
  await redis.client().flushall()
})
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})
afterAll(() => redis.stop())

async function proxyWith(options: Partial<RestProxyOptions> = {}): Promise<RestProxy> {
  const proxy = await startRestProxy({ redisUrl: redis.url, token: TOKEN, ...options })
  opened.push(proxy)
  return proxy
}

function tierOver(url: string, options: object = {}): SharedTier {
  const tier = openUpstashTier({ url, ...options })
  opened.push(tier)
  return tier
}

const token = 'T'.repeat(16)
const acquire = (tier: SharedTier) => tier.acquire(NAMESPACE, [{ key: KEY, token, leaseMs: 60_000 }])

describe('a server that has lost its scripts', () => {
  test('gets them again, within the same call', async () => {
    const tier = tierOver((await proxyWith()).url)
    const admin = redis.client()
    for (let round = 0; round < 3; round++) {
      await admin.script('FLUSH')
      await acquire(tier)
      await admin.script('FLUSH')
      await tier.bump({ namespace: NAMESPACE, tags: ['x'], clear: false, soft: false, origin: 'o', horizonMs: 1 })
      await admin.script('FLUSH')
      await tier.delete(NAMESPACE, [KEY], `payload ${round}`, true)
      expect((await tier.tail(0)).row?.payload).toBe(`payload ${round}`)
    }
  })

  test('knows them from then on: a fill is two requests', async () => {
    const proxy = await proxyWith()
    const tier = tierOver(proxy.url)
    await acquire(tier)
    await tier.commit(NAMESPACE, token, { key: KEY, envelope: 'x'.repeat(80), keepMs: 1_000 })
    const before = proxy.requests
    await acquire(tier)
    await tier.commit(NAMESPACE, token, { key: KEY, envelope: 'x'.repeat(80), keepMs: 1_000 })
    expect(proxy.requests - before).toBe(2)
  })
})

describe('a server that runs no scripts', () => {
  const warnings: string[] = []
  const listen = (warning: Error & { code?: string }): void => {
    if (warning.code === 'SCRIPTS_UNAVAILABLE') warnings.push(warning.message)
  }
  let others: ((warning: Error) => void)[]
  beforeEach(() => {
    warnings.length = 0
    // The warning itself is wanted, not its text on the console.
    others = process.listeners('warning')
    process.removeAllListeners('warning').on('warning', listen)
  })
  afterEach(async () => {
    // A warning is told in a turn of its own.
    await new Promise(setImmediate)
    process.removeAllListeners('warning')
    for (const other of others) process.on('warning', other)
  })

  test('B18: is refused at start by check(), saying why', async () => {
    const { url } = await proxyWith({ scripts: false })
    await expect(upstashTier({ url, token: TOKEN, commandTimeout: '60s' }).check()).rejects.toMatchObject({
      code: 'SCRIPTS_UNAVAILABLE',
      message: expect.stringMatching(/runs no scripts \(ERR Command is not available: 'EVAL'\).*fencing: 'none'/),
    })
  })

  test('B18: is refused by every call, with one request and one warning', async () => {
    const proxy = await proxyWith({ scripts: false })
    const tier = tierOver(proxy.url)
    for (let round = 0; round < 3; round++) {
      await expect(tier.tail(0)).rejects.toMatchObject({ code: 'SCRIPTS_UNAVAILABLE' })
      await expect(tier.read(NAMESPACE, [KEY])).rejects.toMatchObject({ code: 'SCRIPTS_UNAVAILABLE' })
    }
    expect(proxy.requests).toBe(1)
    await until(() => warnings.length > 0, { what: 'the warning' })
    expect(warnings).toHaveLength(1)
  })

  test('leaves reads to fills of the process, and acknowledges no invalidation', async () => {
    const { url } = await proxyWith({ scripts: false })
    const tier = upstashTier({ url, token: TOKEN, commandTimeout: '1500ms' })
    const cache = createCache({ tiers: [memoryTier(), tier], ttl: '60s', coordinate: { leaseMs: 60_000 } })
    opened.push({ close: async () => void (await cache.close()) })
    const failures: unknown[] = []
    cache.on('tier-failed', ({ error }) => failures.push(error))
    expect(await cache.getOrFill('k', () => 7)).toBe(7)
    await expect(cache.clear()).rejects.toMatchObject({ cause: { code: 'SCRIPTS_UNAVAILABLE' } })
    expect(failures[0]).toMatchObject({ code: 'SCRIPTS_UNAVAILABLE' })
  })

  test('is recognised when it refuses the whole request, too', async () => {
    const server = await startHttpServer((_, response) => {
      const commands = JSON.parse(server.bodies.at(-1)!) as string[][]
      const isRefused = commands.some(([name]) => name!.startsWith('EVAL'))
      response.writeHead(isRefused ? 403 : 200)
      response.end(
        JSON.stringify(isRefused ? { error: 'Command not allowed: EVAL' } : commands.map(() => ({ result: 'OK' }))),
      )
    })
    opened.push(server)
    await expect(tierOver(server.url).tail(0)).rejects.toMatchObject({ code: 'SCRIPTS_UNAVAILABLE' })
  })

  test.each([
    ['a token that may not', 403, { error: 'NOPERM this token may do nothing' }],
    ['a request that is wrong', 400, { error: 'ERR failed to parse' }],
  ])('is told apart from %s', async (_what, status, body) => {
    const server = await startHttpServer((_, response) => response.writeHead(status).end(JSON.stringify(body)))
    opened.push(server)
    await expect(tierOver(server.url).tail(0)).rejects.toMatchObject({ code: 'SHARED_TIER_FAILED' })
  })

  test('is told apart from one that cannot just now, and used once it can', async () => {
    let isLoading = true
    const proxy = await proxyWith()
    const tier = tierOver(proxy.url, {
      fetch: (url: string, init: RequestInit) => {
        if (!isLoading) return fetch(url, init)
        const commands = JSON.parse(String(init.body)) as unknown[]
        return Response.json(commands.map(() => ({ error: 'LOADING Redis is loading the dataset in memory' })))
      },
    })
    await expect(tier.tail(0)).rejects.toThrow('LOADING')
    isLoading = false
    expect((await tier.tail(0)).row).toBeDefined()
  })
})

describe("fencing: 'none'", () => {
  const optionsFor = (proxy: RestProxy) =>
    ({ url: proxy.url, token: TOKEN, commandTimeout: '1500ms', fencing: 'none' }) as const

  test('works without scripts, passes its check, and says in the stats that nothing is fenced', async () => {
    const tier = upstashTier(optionsFor(await proxyWith({ scripts: false })))
    await tier.check()
    const open = () => {
      const cache = createCache({
        name: 'unfenced',
        tiers: [memoryTier(), tier],
        ttl: '60s',
        coordinate: { leaseMs: 60_000 },
      })
      opened.push({ close: async () => void (await cache.close()) })
      return cache
    }
    const [a, b] = [open(), open()]
    let fills = 0
    const fill = () => `value ${++fills}`
    expect(await a.getOrFill('k', fill)).toBe('value 1')
    expect(await b.getOrFill('k', fill)).toBe('value 1')
    await a.delete('k')
    expect(await a.getOrFill('k', fill)).toBe('value 2')
    expect(await b.getOrFill('k', fill, { consistency: 'strict' })).toBe('value 2')
    expect(a.stats().tiers.upstash).toMatchObject({ fencing: 'none', errors: 0 })
    const report = await doctor(a)
    expect(report.findings).toContainEqual(
      expect.objectContaining({ level: 'broken', means: expect.stringContaining('G1 is off') }),
    )
  })

  test('says nothing of the kind where scripts fence', async () => {
    const { url } = await proxyWith()
    const cache = createCache({ tiers: [upstashTier({ url, token: TOKEN })], ttl: '60s' })
    opened.push({ close: async () => void (await cache.close()) })
    expect(cache.stats().tiers.upstash).not.toHaveProperty('fencing')
    expect((await doctor(cache)).findings.map(({ means }) => means).join()).not.toContain('G1')
  })

  test('moves clocks forward only, whoever invalidates at once: no tag is left behind', async () => {
    const proxy = await proxyWith({ scripts: false })
    const tiers = Array.from({ length: 8 }, () => tierOver(proxy.url, { fencing: 'none' }))
    const bump = { namespace: NAMESPACE, tags: ['x', 'y'], clear: false, soft: false, horizonMs: 60_000 }
    for (let round = 0; round < 10; round++) {
      const replies = await Promise.all(tiers.map((tier, index) => tier.bump({ ...bump, origin: `${round}.${index}` })))
      const latest = Math.max(...replies.map(({ clock }) => clock))
      const control = await tiers[0]!.control(NAMESPACE, ['x', 'y'])
      // Whoever was acknowledged finds its mark, and nothing born from now on is dead.
      for (const { hard } of control.tags) expect(hard).toBeGreaterThanOrEqual(latest)
      expect(control.clock).toBeGreaterThanOrEqual(Math.max(...control.tags.map(({ hard }) => hard!)))
      expect(new Set(replies.map(({ epoch }) => epoch)).size).toBe(1)
    }
  })
})
