import { InvalidOptionError } from '../core/errors.js'
import type { CacheMetrics } from './cache-metrics.js'
import type { MetricDescription, MetricFamily } from './metric-family.js'

type Aggregator = 'sum' | 'min' | 'max'
type Families = ReadonlyMap<string, MetricFamily>

/** The part of a registry of `prom-client` or `@prometheus-io/client` that is called. */
export interface MetricRegistry {
  // biome-ignore lint/suspicious/noExplicitAny: their parameter is a class of theirs, whose part that a registry reads is below.
  registerMetric(metric: any): void
  removeSingleMetric(name: string): void
  getSingleMetric(name: string): unknown
}

/** What a registry reads of a metric. */
interface RegisteredMetric {
  name: string
  readonly help: string
  readonly type: MetricFamily['type']
  readonly aggregator: Aggregator
  get(): Promise<object>
  reset(): void
}

/**
 * Puts a cache's metrics into the application's own registry, beside whatever is there. Works with the registries of
 * `prom-client` 15 and `@prometheus-io/client`. Returns the function that takes them out again.
 *
 * ```ts
 * registerMetrics(register, cacheMetrics(cache))
 * ```
 *
 * @throws InvalidOptionError if the registry has a metric of one of these names already; nothing was registered.
 */
export function registerMetrics(registry: MetricRegistry, metrics: CacheMetrics): () => void {
  const families = takenOnce(metrics)
  const registered = metrics.describe().map((description) => registeredMetric(description, families))
  const taken = registered.find(({ name }) => registry.getSingleMetric(name) !== undefined)
  if (taken) {
    throw new InvalidOptionError({
      field: 'registerMetrics: registry',
      value: taken.name,
      rule: 'must not hold a metric of that name yet',
    })
  }
  for (const metric of registered) registry.registerMetric(metric)
  return () => {
    for (const { name } of registered) registry.removeSingleMetric(name)
  }
}

/** How a cluster's primary process adds up its workers. */
const AGGREGATORS: Partial<Record<string, Aggregator>> = {
  cache_is_current: 'min',
  cache_synced_seconds_ago: 'max',
  cache_max_staleness_seconds: 'max',
  cache_stale_reads_per_million: 'max',
}

function registeredMetric(
  { name: ownName, help, type }: MetricDescription,
  families: () => Families,
): RegisteredMetric {
  return {
    // For OpenMetrics the registry takes the `_total` off a counter's name, and puts it back behind each series.
    name: ownName,
    help,
    type,
    aggregator: AGGREGATORS[ownName] ?? 'sum',
    async get() {
      const { name, aggregator } = this
      const values = (families().get(ownName)?.samples ?? []).map(({ suffix, labels, value }) =>
        suffix === undefined ? { labels, value } : { labels, value, metricName: `${name}${suffix}` },
      )
      return { name, help, type, aggregator, values }
    },
    // The counts are the cache's; there is nothing here to set back.
    reset() {},
  }
}

/** A registry asks its metrics one by one; what all of them say is taken once for all who ask in the same turn. */
function takenOnce(metrics: CacheMetrics): () => Families {
  let taken: Families | undefined
  return () => {
    if (taken === undefined) {
      taken = new Map(metrics.families().map((family) => [family.name, family]))
      queueMicrotask(() => {
        taken = undefined
      })
    }
    return taken
  }
}
