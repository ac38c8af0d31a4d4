import * as successor from '@prometheus-io/client'
import * as promClient from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { definePolicy } from '../../../src/index.js'
import { cacheMetrics, prometheusText, registerMetrics } from '../../../src/observe/index.js'
import { type WatchedCache, watchedCache } from './watched-cache.js'

const units = definePolicy({ name: 'units', ttl: '60s', jitter: 0 })

let watched: WatchedCache

beforeEach(() => {
  watched = watchedCache()
})

afterEach(() => watched.close())

/** The series of an exposition, without its comments, in order. */
const series = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .sort()

describe.each([
  ['prom-client', promClient],
  ['@prometheus-io/client', successor as unknown as typeof promClient],
])('S2-54: the registry of %s', (_, client) => {
  it("says what our own exposition says, beside the application's own metrics", async () => {
    const { cache } = watched
    const metrics = cacheMetrics(cache, { dashboard: true })
    for (let n = 0; n < 3; n++) await cache.getOrFill(units, 'a', () => 1)
    const registry = new client.Registry()
    const own = new client.Counter({ name: 'app_requests_total', help: 'Theirs.', registers: [registry] })
    own.inc()
    const end = registerMetrics(registry, metrics)
    const theirs = await registry.metrics()
    expect(series(theirs)).toEqual([...series(prometheusText(metrics)), 'app_requests_total 1'].sort())
    expect(theirs).toContain('cache_requests_total{cache="watched",policy="units",outcome="hit"} 2')
    await cache.getOrFill(units, 'a', () => 1)
    expect(await registry.metrics()).toContain('cache_requests_total{cache="watched",policy="units",outcome="hit"} 3')
    end()
    expect(series(await registry.metrics())).toEqual(['app_requests_total 1'])
    metrics.close()
  })

  it('may speak OpenMetrics', async () => {
    const metrics = cacheMetrics(watched.cache)
    await watched.cache.getOrFill(units, 'a', () => 1)
    const registry = new client.Registry()
    registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE as never)
    registerMetrics(registry, metrics)
    const text = await registry.metrics()
    expect(text).toContain('# TYPE cache_requests counter')
    expect(text).toContain('\ncache_requests_total{cache="watched",policy="units",outcome="miss"} 1')
    expect(text).toContain('cache_load_duration_seconds_count{cache="watched",policy="units",outcome="ok"} 1')
    metrics.close()
  })

  it('is not touched if one of the names is taken', async () => {
    const metrics = cacheMetrics(watched.cache)
    const registry = new client.Registry()
    new client.Counter({ name: 'cache_hits_total', help: 'Theirs.', registers: [registry] })
    expect(() => registerMetrics(registry, metrics)).toThrow(
      "registerMetrics: registry must not hold a metric of that name yet; got 'cache_hits_total'",
    )
    expect(registry.getMetricsAsArray()).toHaveLength(1)
    metrics.close()
  })

  it('adds up the workers of a cluster', async () => {
    const metrics = cacheMetrics(watched.cache)
    await watched.cache.getOrFill(units, 'a', () => 1)
    const registry = new client.Registry()
    registerMetrics(registry, metrics)
    const worker = JSON.parse(JSON.stringify(await registry.getMetricsAsJSON()))
    const all = await client.AggregatorRegistry.aggregate([worker, worker] as never)
    const text = await all.metrics()
    expect(text).toContain('cache_requests_total{cache="watched",policy="units",outcome="miss"} 2')
    expect(text).toContain('cache_max_staleness_seconds{cache="watched"} 2')
    metrics.close()
  })
})
