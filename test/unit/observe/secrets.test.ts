import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, doctor, memoryTier } from '../../../src/index.js'
import {
  cacheHealth,
  cacheMetrics,
  consoleApi,
  type LogLine,
  logEvents,
  prometheusText,
} from '../../../src/observe/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'
import { upstashTier } from '../../../src/upstash/index.js'

/** As drivers write it: with where they were going, and as whom. */
const SAID = 'connect redis://app:hunter2@db:6379 failed: password=hunter2, authorization: Bearer hunter2'
const units = definePolicy({ name: 'units', ttl: '60s', tags: () => ['units'] })
const TOKEN = 'hunter2-of-the-operator'

const clock = fakeClock()
let cache: Cache
const lines: LogLine[] = []
const ends: (() => unknown)[] = []

beforeEach(() => {
  const deliver = (): Promise<void> => Promise.reject(new Error(SAID))
  const server = createTwinServer({ clock, random: seededRandom(1), deliver })
  cache = createCache({ name: 'shop', clock, policies: [units], tiers: [memoryTier(), sharedTier({ server })] })
  const keep = (line: object): void => void lines.push(line as LogLine)
  ends.push(logEvents(cache, { logger: { info: keep, warn: keep } }))
})

afterEach(async () => {
  for (const end of ends.splice(0)) end()
  lines.length = 0
  const closed = cache.close()
  await clock.advance(10_000)
  await closed
})

/** What has nothing of the secret, though it tells of the failure. */
function expectTold(text: string): void {
  expect(text).not.toContain('hunter2')
  expect(text).toContain('redis://***@db:6379')
}

describe('S3-11: while everything fails and names its password, it is not in', () => {
  it('log lines', async () => {
    await cache.getOrFill(units, 'a', () => Promise.reject(new Error(SAID))).catch(() => {})
    const queued = cache.invalidate({ tags: ['units'], whenUnavailable: 'queue' })
    await clock.advance(1_000)
    await queued
    expect(new Set(lines.map(({ event }) => event))).toContain('cache_tier_error')
    expectTold(JSON.stringify(lines))
  })

  it('metrics', async () => {
    const metrics = cacheMetrics(cache, { dashboard: true })
    await cache.getOrFill(units, 'a', () => Promise.reject(new Error(SAID))).catch(() => {})
    const page = prometheusText(metrics)
    expect(page).toContain('cache_errors_total{')
    expect(page).not.toContain('hunter2')
    metrics.close()
  })

  it('health', async () => {
    expectTold(JSON.stringify(await cacheHealth(cache)))
  })

  it('explain', async () => {
    expectTold(JSON.stringify(await cache.explain(units, 'a')))
  })

  it('any answer of the console, and its stream', async () => {
    const api = consoleApi(cache, { token: TOKEN, clock })
    const ask = (path: string, query = '') =>
      api.handle({
        method: 'GET',
        path,
        query: new URLSearchParams(query),
        headers: { authorization: `Bearer ${TOKEN}` },
        remoteAddress: '127.0.0.1',
      })
    const { body: stream } = await ask('/events')
    await cache.getOrFill(units, 'a', () => Promise.reject(new Error(SAID))).catch(() => {})
    const told: string[] = []
    for (const path of ['/snapshot', '/entry', '/explain', '/doctor']) {
      const { status, body } = await ask(path, path === '/snapshot' ? '' : 'policy=units&key=a')
      expect(status).toBe(200)
      told.push(body as string)
    }
    if (typeof stream === 'string') throw new Error('no stream')
    for (let piece: unknown = stream.read(); piece !== null; piece = stream.read()) told.push(String(piece))
    expect(told.join('')).toContain('event: cache')
    expectTold(told.join(''))
    api.close()
  })

  it('what an invalidation rejects with', async () => {
    const error = await cache.invalidate({ tags: ['units'] }).catch((cause: Error) => cause)
    expect(error).toMatchObject({ code: 'SHARED_TIER_FAILED' })
    expect((error as Error).message).not.toContain('hunter2')
  })
})

describe('S3-11: a secret in the wrong place is not repeated by the error', () => {
  const url = 'redis://app:hunter2@db:6379'
  /** Looks like one of ioredis. */
  const CLIENT = { status: 'ready', call: async () => 'OK', duplicate: () => CLIENT }
  it.each<[string, () => unknown]>([
    ['redisTier', () => redisTier({ client: url as never })],
    ['redisTier prefix', () => redisTier({ client: CLIENT as never, prefix: `${url} ` })],
    ['upstashTier', () => upstashTier({ url, token: 'a-token-that-is-long' })],
    ['createCache', () => createCache({ name: url })],
    ['consoleApi', () => consoleApi(cache, { token: 'hunter2' })],
    ['tenant', () => cache.tenant(`${url}\u0000`)],
    ['key', () => cache.peek(units, [url] as never)],
  ])('%s', (_, make) => {
    let message = ''
    try {
      make()
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toMatch(
      /^(redisTier\.(client|prefix)|upstashTier\.url|createCache\.name|consoleApi\.token|tenant|key) must/,
    )
    expect(message).not.toContain('hunter2')
  })

  it('doctor, which wants a cache', async () => {
    await expect(doctor(url as never)).rejects.toThrow('doctor: cache must be made by createCache')
    await expect(doctor(url as never)).rejects.not.toThrow('hunter2')
  })
})
