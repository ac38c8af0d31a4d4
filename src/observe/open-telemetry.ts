import type { Cache } from '../core/create-cache.js'
import { InvalidOptionError } from '../core/errors.js'
import { checkFields, checkMethods } from '../core/options.js'
import { systemClock } from '../core/system-clock.js'
import { BUCKETS, type DistributionName } from './buckets.js'
import { type CacheMetrics, cacheMetrics } from './cache-metrics.js'
import { checkCaches } from './check-caches.js'
import type { MetricDescription } from './metric-family.js'
import { fillSpans, type SpanTracer } from './spans.js'

/** The part of a `Meter` of `@opentelemetry/api` that is called. */
export interface Meter {
  createHistogram(
    name: string,
    options: { description: string; unit: string; advice: { explicitBucketBoundaries: number[] } },
  ): { record(value: number, attributes: Record<string, string>): void }
  createObservableCounter(name: string, options: { description: string; unit: string }): unknown
  createObservableGauge(name: string, options: { description: string; unit: string }): unknown
  // biome-ignore lint/suspicious/noExplicitAny: its types name classes of the API; what is called is below.
  addBatchObservableCallback(callback: (result: any) => void, observables: any[]): void
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  removeBatchObservableCallback(callback: (result: any) => void, observables: any[]): void
}

interface Observations {
  observe(instrument: unknown, value: number, attributes: Record<string, string>): void
}

export interface OpenTelemetryOptions {
  /** From `metrics.getMeter('freshtier')`. Without it no metrics. */
  meter?: Meter
  /** From `trace.getTracer('freshtier')`. Without it no spans. */
  tracer?: SpanTracer
}

/**
 * Tells OpenTelemetry what caches do: the metrics of `cacheMetrics` with dots in their names, and a span for each fill
 * and each wait for another process' fill. Returns the function that ends it.
 *
 * ```ts
 * const end = openTelemetry(cache, { meter: metrics.getMeter('freshtier'), tracer: trace.getTracer('freshtier') })
 * ```
 *
 * @throws InvalidOptionError
 */
export function openTelemetry(caches: Cache | readonly Cache[], options: OpenTelemetryOptions): () => void {
  const { meter, tracer } = checkFields(options, ['meter', 'tracer'], 'openTelemetry') as OpenTelemetryOptions
  const watched = checkCaches(caches, 'openTelemetry')
  if (meter === undefined && tracer === undefined) {
    throw new InvalidOptionError({
      field: 'openTelemetry',
      value: options,
      rule: 'must name a meter, a tracer or both',
    })
  }
  if (meter) checkMethods(meter, ['createHistogram', 'addBatchObservableCallback'], 'openTelemetry.meter')
  if (tracer) checkMethods(tracer, ['startSpan'], 'openTelemetry.tracer')
  const ends = [
    ...(meter ? [meterMetrics(cacheMetrics(watched), meter)] : []),
    ...(tracer ? watched.map((cache) => fillSpans(cache, tracer, systemClock)) : []),
  ]
  return () => {
    for (const end of ends) end()
  }
}

function meterMetrics(metrics: CacheMetrics, meter: Meter): () => void {
  const observed = new Map<string, unknown>()
  const histograms = new Map<DistributionName, ReturnType<Meter['createHistogram']>>()
  for (const description of metrics.describe()) {
    const { name, type } = description
    const told = { description: description.help, unit: unitOf(description) }
    if (type === 'histogram') {
      const explicitBucketBoundaries = [...BUCKETS[name as DistributionName]]
      const advice = { explicitBucketBoundaries }
      histograms.set(name as DistributionName, meter.createHistogram(dotted(name), { ...told, advice }))
    } else if (type === 'counter') observed.set(name, meter.createObservableCounter(dotted(name), told))
    else observed.set(name, meter.createObservableGauge(dotted(name), told))
  }
  const endRecords = metrics.onRecord((name, seconds, labels) => histograms.get(name)?.record(seconds, labels))
  const observe = (result: Observations): void => {
    for (const { name, samples } of metrics.families()) {
      const instrument = observed.get(name)
      if (instrument === undefined) continue
      for (const { labels, value } of samples) result.observe(instrument, value, labels)
    }
  }
  const instruments = [...observed.values()]
  meter.addBatchObservableCallback(observe, instruments)
  return () => {
    meter.removeBatchObservableCallback(observe, instruments)
    endRecords()
    metrics.close()
  }
}

/** `cache_load_duration_seconds` → `cache.load.duration`: OpenTelemetry names units apart from names. */
function dotted(name: string): string {
  return name.replace(/_total$|_seconds$/, '').replaceAll('_', '.')
}

function unitOf({ name }: MetricDescription): string {
  if (name.endsWith('_seconds') || name.endsWith('_seconds_ago')) return 's'
  return name.endsWith('_bytes') ? 'By' : '1'
}
