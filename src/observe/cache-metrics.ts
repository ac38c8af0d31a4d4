import type { Cache } from '../core/create-cache.js'
import { InvalidOptionError } from '../core/errors.js'
import { checkFields, checkItems, checkMethods } from '../core/options.js'
import { BUCKETS, type DistributionName } from './buckets.js'
import { checkCaches } from './check-caches.js'
import { dashboardDescriptions, dashboardFamilies } from './dashboard-families.js'
import { EventRecorder, type RecordListener } from './event-recorder.js'
import type { MetricDescription, MetricFamily, MetricSample } from './metric-family.js'
import { describeMetric, METRICS, type MetricName } from './metric-names.js'
import { PolicyLabels } from './policy-labels.js'
import { statsSamples } from './stats-samples.js'

/** Whatever has metrics. */
export interface MetricSource {
  /** Every metric that there can be. */
  describe(): readonly MetricDescription[]
  /** Those that have series now. */
  families(): readonly MetricFamily[]
}

export interface CacheMetricsOptions {
  /** Adds the four names of the dashboard requirements, `dashboard_cache_…`. Default false. */
  dashboard?: boolean
  /** What else is to be shown, such as an auditor. */
  sources?: readonly MetricSource[]
}

/** The metrics of one or several caches, ready for any way to publish them. */
export interface CacheMetrics extends MetricSource {
  /** As of now. Counts are those since the caches were made; durations those since `cacheMetrics` was called. */
  families(): MetricFamily[]
  /** Calls `listener` with each duration as it is recorded. Returns the function that ends it. */
  onRecord(listener: RecordListener): () => void
  /** Listens no longer. */
  close(): void
}

/**
 * Watches caches. Counts are read from the caches when they are asked for; durations come from events that only a fill
 * or a call of the shared tier causes. A hit costs nothing.
 *
 * ```ts
 * const metrics = cacheMetrics(cache)
 * server.get('/metrics', (_, reply) => reply.type(PROMETHEUS_CONTENT_TYPE).send(prometheusText(metrics)))
 * ```
 *
 * @throws InvalidOptionError also for two caches of one name: their series could not be told apart.
 */
export function cacheMetrics(caches: Cache | readonly Cache[], options: CacheMetricsOptions = {}): CacheMetrics {
  const watched = checkCaches(caches, 'cacheMetrics')
  const { dashboard = false, sources = [] } = checkFields(
    options,
    ['dashboard', 'sources'],
    'cacheMetrics',
  ) as CacheMetricsOptions
  if (typeof dashboard !== 'boolean') {
    throw new InvalidOptionError({ field: 'cacheMetrics.dashboard', value: dashboard, rule: 'must be true or false' })
  }
  for (const [index, source] of checkItems(sources, 'cacheMetrics.sources').entries()) {
    checkMethods(source, ['describe', 'families'], `cacheMetrics.sources[${index}]`)
  }
  const listeners = new Set<RecordListener>()
  const onRecord: RecordListener = (name, seconds, labels) => {
    for (const listener of listeners) listener(name, seconds, labels)
  }
  const views = watched.map((cache) => {
    const policies = new PolicyLabels()
    return { cache, policies, recorder: new EventRecorder(cache, { policies, onRecord }) }
  })
  return {
    describe: () => [
      ...OWN_NAMES.map((name) => describeMetric(name, METRICS[name])),
      ...(dashboard ? dashboardDescriptions() : []),
      ...sources.flatMap((source) => source.describe()),
    ],
    families: () => [
      ...ownFamilies(views),
      ...(dashboard ? dashboardFamilies(views) : []),
      ...sources.flatMap((source) => source.families()),
    ],
    onRecord: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: () => {
      for (const { recorder } of views) recorder.close()
    },
  }
}

const OWN_NAMES = Object.keys(METRICS) as MetricName[]

/** One cache under watch. */
export interface WatchedCache {
  readonly cache: Cache
  readonly policies: PolicyLabels
  readonly recorder: EventRecorder
}

function ownFamilies(views: readonly WatchedCache[]): MetricFamily[] {
  const counted = views.flatMap(({ cache, policies }) => statsSamples(cache.stats(), policies))
  return OWN_NAMES.flatMap((name) => {
    const samples: MetricSample[] = [
      ...counted.filter((sample) => sample.name === name).map(({ labels, value }) => ({ labels, value })),
      ...views.flatMap(({ recorder }) =>
        isDistribution(name) ? recorder.durations(name).samples() : recorder.counts(name),
      ),
    ]
    return samples.length === 0 ? [] : [{ ...describeMetric(name, METRICS[name]), samples }]
  })
}

function isDistribution(name: string): name is DistributionName {
  return name in BUCKETS
}
