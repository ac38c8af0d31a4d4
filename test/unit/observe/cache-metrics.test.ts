import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { cacheMetrics, logEvents, prometheusText } from '../../../src/observe/index.js'
import { METRICS } from '../../../src/observe/metric-names.js'
import { twinCaches } from '../../kit/twin-caches.js'
import { seriesOf, value, type WatchedCache, watchedCache } from './watched-cache.js'

const units = definePolicy({ name: 'units', ttl: '60s', jitter: 0, tags: () => ['units'] })
const users = definePolicy({
  name: 'users',
  ttl: '60s',
  jitter: 0,
  stale: { whileRevalidate: '30s' },
})

let watched: WatchedCache

beforeEach(() => {
  watched = watchedCache()
})

afterEach(() => watched.close())

/** Takes `ms` by the watched clock. */
const slow = <V>(ms: number, result: V) =>
  new Promise<V>((resolve) => watched.clock.setTimer(() => resolve(result), ms))

describe('S2-26: metrics of a known workload', () => {
  it('equal its counts exactly', async () => {
    const { cache, clock } = watched
    const metrics = cacheMetrics(cache)
    const joined = Array.from({ length: 5 }, () => cache.getOrFill(units, 'a', () => slow(40, 1)))
    await clock.advance(40)
    await Promise.all(joined)
    for (let n = 0; n < 10; n++) await cache.getOrFill(units, 'a', () => 0)
    for (let n = 0; n < 3; n++) await cache.tenant('org-7').getOrFill(users, n, () => n)
    await cache.getOrFill(units, 'broken', () => Promise.reject(new Error('no'))).catch(() => {})
    await clock.advance(60_000)
    await cache.tenant('org-7').getOrFill(users, 1, () => 2)
    await clock.settle()
    await cache.invalidate({ tags: ['units'] })
    await cache.delete(units, 'a')
    await cache.tenant('org-7').clear()

    const requests = (policy: string, outcome: string) => value(metrics, 'cache_requests_total', { policy, outcome })
    expect({
      units: ['hit', 'stale', 'miss', 'joined'].map((outcome) => requests('units', outcome)),
      users: ['hit', 'stale', 'miss', 'joined'].map((outcome) => requests('users', outcome)),
    }).toEqual({ units: [10, 0, 2, 4], users: [0, 1, 3, 0] })
    expect(value(metrics, 'cache_hits_total', { tier: 'memory' })).toBe(10)
    expect(value(metrics, 'cache_fill_total', { outcome: 'hit' })).toBe(11)
    expect(value(metrics, 'cache_fill_total', { outcome: 'leader' })).toBe(1 + 3 + 1 + 1)
    expect(value(metrics, 'cache_fill_errors_total', { policy: 'units' })).toBe(1)
    expect(value(metrics, 'cache_load_duration_seconds_count', { outcome: 'ok' })).toBe(5)
    expect(value(metrics, 'cache_load_duration_seconds_count', { outcome: 'error' })).toBe(1)
    expect(value(metrics, 'cache_load_duration_seconds_sum')).toBe(0.04)
    expect(value(metrics, 'cache_load_duration_seconds_bucket', { policy: 'units', outcome: 'ok', le: '0.025' })).toBe(
      0,
    )
    expect(value(metrics, 'cache_load_duration_seconds_bucket', { policy: 'units', outcome: 'ok', le: '0.05' })).toBe(1)
    const invalidations = (kind: string) => value(metrics, 'cache_invalidations_total', { kind, source: 'local' })
    expect(['tag', 'key', 'clear'].map(invalidations)).toEqual([1, 1, 1])
    expect(value(metrics, 'cache_operation_duration_seconds_count', { operation: 'commit' })).toBe(5)
    expect(value(metrics, 'cache_errors_total')).toBeUndefined()
    expect(value(metrics, 'cache_max_staleness_seconds')).toBe(2)
    expect(value(metrics, 'cache_tenants')).toBe(2)
    metrics.close()
  })

  it('say what followers and hedges came to', async () => {
    const hedging = definePolicy({ name: 'hedging', ttl: '60s', coordinate: { onTimeout: 'hedge' } })
    const { clock, caches, close } = twinCaches(2)
    const metrics = cacheMetrics(caches[1]!)
    const fill = (ms: number) => () => new Promise<number>((resolve) => clock.setTimer(() => resolve(ms), ms))
    const first = [
      caches[0]!.getOrFill(hedging, 'quick', fill(500)),
      caches[0]!.getOrFill(hedging, 'slow', fill(4_000)),
    ]
    await clock.settle()
    const second = [caches[1]!.getOrFill(hedging, 'quick', () => 0), caches[1]!.getOrFill(hedging, 'slow', () => 0)]
    await clock.advance(5_000)
    expect(await Promise.all([...first, ...second])).toEqual([500, 4_000, 500, 0])
    const outcomes = ['leader', 'follower_hit', 'follower_timeout', 'hedge', 'lock_error']
    expect(outcomes.map((outcome) => value(metrics, 'cache_fill_total', { outcome }))).toEqual([1, 1, 1, 1, undefined])
    expect(value(metrics, 'cache_follow_duration_seconds_count')).toBe(2)
    metrics.close()
    await close()
  })

  it('count what fails while the shared tier hangs', async () => {
    const { cache, clock, hang } = watched
    const metrics = cacheMetrics(cache, { dashboard: true })
    await cache.get(units, 'a')
    hang(true)
    const read = cache.getOrFill(units, 'b', () => 1)
    await clock.advance(1_000)
    expect(await read).toBe(1)
    expect(value(metrics, 'cache_errors_total', { operation: 'read' })).toBe(1)
    expect(value(metrics, 'dashboard_cache_error_total', { operation: 'get' })).toBeGreaterThanOrEqual(1)
    hang(false)
    metrics.close()
  })
})

describe('labels', () => {
  it('S4-7: are bounded: 10,000 tenants and 1,000,000 keys leave the number of series as it was', async () => {
    // A small memory: a million keys pass through it.
    const cache = createCache({ name: 'crowd', tiers: [memoryTier({ maxEntries: 10_000 })] })
    const metrics = cacheMetrics(cache, { dashboard: true })
    await cache.tenant('org').getOrFill(units, 'first', () => 1)
    await cache.tenant('org').invalidate({ tags: ['units'] })
    const before = seriesOf(metrics)
    const text = prometheusText(metrics).length
    for (let tenant = 0; tenant < 10_000; tenant++) {
      const view = cache.tenant(`org-${tenant}`).syncView(units)
      for (let key = 0; key < 100; key++) view.set(`key-${tenant}-${key}`, key)
      view.get('key-none')
    }
    await cache.tenant('org-3').invalidate({ tags: ['units'] })
    expect(cache.stats().tenants).toBeGreaterThan(10_000)
    expect(seriesOf(metrics)).toBe(before)
    // Longer numbers, nothing else.
    expect(prometheusText(metrics).length).toBeLessThan(text + 500)
    expect(prometheusText(metrics)).not.toMatch(/org-3|key-/)
    metrics.close()
    await cache.close()
  })

  it('are bounded with a shared tier, whose calls are told one by one', async () => {
    const { cache } = watched
    const metrics = cacheMetrics(cache, { dashboard: true })
    const useAll = async (tenant: string): Promise<void> => {
      await cache.tenant(tenant).getOrFill(units, 'first', () => 1)
      await cache.tenant(tenant).set(units, 'second', 2)
      await cache.tenant(tenant).invalidate({ tags: ['units'] })
    }
    await useAll('org')
    const before = seriesOf(metrics)
    for (let tenant = 0; tenant < 200; tenant++) await useAll(`org-${tenant}`)
    expect(seriesOf(metrics)).toBe(before)
    metrics.close()
  })

  it('are bounded for policies too: beyond 200 they are counted together', async () => {
    const { cache } = watched
    const metrics = cacheMetrics(cache)
    for (let n = 0; n < 250; n++) await cache.get(definePolicy({ name: `policy-${n}`, ttl: '60s' }), 'key')
    const [requests] = metrics.families().filter(({ name }) => name === 'cache_requests_total')
    expect(requests!.samples).toHaveLength(201 * 4)
    expect(value(metrics, 'cache_requests_total', { policy: 'other', outcome: 'miss' })).toBe(50)
    expect(value(metrics, 'cache_requests_total', { outcome: 'miss' })).toBe(250)
    metrics.close()
  })
})

describe("the dashboard's four names", () => {
  it('S2-26: count hits and misses by query type, and every read into the latency', async () => {
    const { cache } = watched
    const metrics = cacheMetrics(cache, { dashboard: true })
    for (let n = 0; n < 4; n++) await cache.getOrFill(units, 'a', () => 1)
    expect(value(metrics, 'dashboard_cache_hit_total', { query_type: 'units' })).toBe(3)
    expect(value(metrics, 'dashboard_cache_miss_total', { query_type: 'units' })).toBe(1)
    const reads = value(metrics, 'cache_operation_duration_seconds_count', { operation: 'read' })!
    const others = ['tail', 'logSince', 'control', 'follow'].map(
      (operation) => value(metrics, 'cache_operation_duration_seconds_count', { operation }) ?? 0,
    )
    const asked = others.reduce((sum, count) => sum + count, reads)
    expect(value(metrics, 'dashboard_cache_latency_seconds_count', { operation: 'get' })).toBe(3 + asked)
    expect(value(metrics, 'dashboard_cache_latency_seconds_bucket', { operation: 'get', le: '0.001' })).toBe(3 + asked)
    metrics.close()
  })
})

describe('what is watched', () => {
  it('costs nothing on a hit: nothing that a hit tells is listened to', () => {
    const { cache } = watched
    const heard: string[] = []
    const on = (type: string, listener: never) => {
      heard.push(type)
      return cache.on(type as never, listener)
    }
    cacheMetrics({ ...cache, tenant: cache.tenant, on } as never, { dashboard: true }).close()
    logEvents({ ...cache, on } as never, { logger: { info() {}, warn() {} } })()
    expect(heard).toContain('filled')
    expect(heard.filter((type) => type === 'hit' || type === '*')).toEqual([])
  })

  it('is counted no longer once closed', async () => {
    const { cache } = watched
    const metrics = cacheMetrics(cache)
    await cache.getOrFill(units, 'a', () => 1)
    metrics.close()
    await cache.getOrFill(units, 'b', () => 1)
    expect(value(metrics, 'cache_load_duration_seconds_count')).toBe(1)
  })

  it('may be several caches of different names', async () => {
    const other = createCache({ name: 'other', tiers: [memoryTier()], ttl: '60s' })
    await other.getOrFill('a', () => 1)
    const metrics = cacheMetrics([watched.cache, other])
    expect(value(metrics, 'cache_requests_total', { cache: 'other', outcome: 'miss' })).toBe(1)
    expect(() => cacheMetrics([other, other])).toThrow('cacheMetrics must not hold two caches of one name')
    expect(() => cacheMetrics([])).toThrow('cacheMetrics must name at least one cache')
    expect(() => cacheMetrics({} as never)).toThrow('cacheMetrics must be an object with the methods')
    expect(() => cacheMetrics(other, { sources: [1] } as never)).toThrow('cacheMetrics.sources[0] must be an object')
    expect(() => cacheMetrics(other, { dashbord: true } as never)).toThrow("did you mean 'dashboard'?")
    metrics.close()
    await other.close()
  })
})

describe('the text exposition', () => {
  it('has help, type and series, and escapes what it must', () => {
    const text = prometheusText({
      describe: () => [],
      families: () => [
        {
          name: 'a_total',
          help: 'Counts\nwith \\',
          type: 'counter',
          samples: [{ labels: { name: 'x"\\\ny' }, value: 1.5 }],
        },
        { name: 'b', help: 'B.', type: 'gauge', samples: [{ labels: {}, value: 0 }] },
      ],
    })
    expect(text).toBe(
      '# HELP a_total Counts\\nwith \\\\\n# TYPE a_total counter\na_total{name="x\\"\\\\\\ny"} 1.5\n' +
        '# HELP b B.\n# TYPE b gauge\nb 0\n',
    )
  })

  it('names only metrics that are described', async () => {
    const metrics = cacheMetrics(watched.cache)
    await watched.cache.getOrFill(units, 'a', () => 1)
    const described = new Set(metrics.describe().map(({ name }) => name))
    expect(metrics.families().filter(({ name }) => !described.has(name))).toEqual([])
    expect([...described].sort()).toEqual(Object.keys(METRICS).sort())
    metrics.close()
  })
})
