import { BUCKETS } from './buckets.js'
import type { WatchedCache } from './cache-metrics.js'
import { bucketSamples } from './distribution.js'
import { labelKey, type MetricDescription, type MetricFamily, type MetricSample } from './metric-family.js'
import { DASHBOARD_METRICS, type DashboardMetricName, describeMetric } from './metric-names.js'

export function dashboardDescriptions(): (MetricDescription & { name: DashboardMetricName })[] {
  const names = Object.keys(DASHBOARD_METRICS) as DashboardMetricName[]
  return names.map((name) => describeMetric(name, DASHBOARD_METRICS[name]))
}

/** The compatibility set. Its labels name no cache, so that several caches add up. */
export function dashboardFamilies(views: readonly WatchedCache[]): MetricFamily[] {
  const all = views.flatMap(({ cache, policies }) =>
    Object.entries(cache.stats().policies).map(([name, counts]) => ({ query_type: policies.of(name), counts })),
  )
  const byType = (value: (counts: (typeof all)[number]['counts']) => number): MetricSample[] =>
    all.map(({ query_type, counts }) => ({ labels: { query_type }, value: value(counts) }))
  const families: Record<DashboardMetricName, MetricSample[]> = {
    dashboard_cache_hit_total: byType((counts) => counts.hits + counts.staleHits),
    dashboard_cache_miss_total: byType((counts) => counts.misses + counts.joined),
    dashboard_cache_error_total: views.flatMap(({ recorder }) => recorder.counts('dashboard_cache_error_total')),
    dashboard_cache_latency_seconds: views.flatMap((view) => latencySamples(view)),
  }
  return dashboardDescriptions().map((description) => ({
    ...description,
    samples: added(families[description.name]),
  }))
}

/**
 * Hits in memory are counted and not timed: reading a clock costs as much as the look-up. A look-up is far below the
 * first boundary, 1 ms.
 */
function latencySamples({ cache, recorder }: WatchedCache): MetricSample[] {
  const boundaries = BUCKETS.dashboard_cache_latency_seconds
  const inMemory = new Array<number>(boundaries.length + 1).fill(0)
  inMemory[0] = cache.stats().tiers.memory?.hits ?? 0
  return [
    ...bucketSamples(boundaries, { operation: 'get' }, inMemory, 0),
    ...recorder.durations('dashboard_cache_latency_seconds').samples(),
  ]
}

/** Samples of the same series, added up. */
function added(samples: readonly MetricSample[]): MetricSample[] {
  const sums = new Map<string, MetricSample>()
  for (const sample of samples) {
    const key = `${sample.suffix ?? ''}\u0000${labelKey(sample.labels)}`
    sums.set(key, { ...sample, value: sample.value + (sums.get(key)?.value ?? 0) })
  }
  return [...sums.values()]
}
