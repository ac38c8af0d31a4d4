import type { Cache } from '../core/create-cache.js'
import type { CacheEvent } from '../core/events.js'
import { bucketsOf, type DistributionName, type DistributionNames } from './buckets.js'
import { dashboardOperation } from './dashboard-operation.js'
import { Distribution } from './distribution.js'
import { labelKey, type MetricSample } from './metric-family.js'
import type { DashboardMetricName, MetricName } from './metric-names.js'
import type { PolicyLabels } from './policy-labels.js'

export type Labels = Readonly<Record<string, string>>
type Invalidated = Extract<CacheEvent, { type: 'invalidated' }>
type Called = Extract<CacheEvent, { type: 'tier-called' }>
type Name = MetricName | DashboardMetricName

/** Told of each duration as it is recorded, for sinks that sort into buckets themselves. */
export type RecordListener = (name: DistributionName, seconds: number, labels: Labels) => void

/**
 * Counts what a cache tells as events and keeps no count of itself: durations, and outcomes by reason. It listens to
 * nothing that happens on a hit, so a hit costs what it costs without it.
 */
export class EventRecorder {
  readonly #cache: string
  readonly #policies: PolicyLabels
  readonly #distributions: DistributionNames<Distribution>
  readonly #counts = new Map<Name, Map<string, { labels: Labels; value: number }>>()
  readonly #onRecord: RecordListener
  readonly #ends: (() => void)[]

  constructor(cache: Cache, { policies, onRecord }: { policies: PolicyLabels; onRecord: RecordListener }) {
    this.#cache = cache.stats().name
    this.#policies = policies
    this.#onRecord = onRecord
    this.#distributions = bucketsOf((boundaries) => new Distribution(boundaries))
    const fillEnded = (outcome: 'ok' | 'error') => (event: { policy: string; durationMs: number }) =>
      this.#record('cache_load_duration_seconds', event.durationMs, { ...this.#of(event), outcome })
    this.#ends = [
      cache.on('filled', fillEnded('ok')),
      cache.on('fill-failed', fillEnded('error')),
      cache.on('followed', (event) => this.#followed(event)),
      cache.on('hedged', () => this.#count('cache_fill_total', { outcome: 'hedge' })),
      cache.on('not-stored', (event) => {
        if (event.cause === 'full')
          this.#count('cache_not_stored_total', { policy: this.#policies.of(event.policy), reason: 'full' })
      }),
      cache.on('lease-lost', () => this.#count('cache_lease_lost_total', {})),
      cache.on('invalidated', (event) => this.#invalidated(event)),
      cache.on('log-broken', ({ cause }) => this.#count('cache_log_breaks_total', { cause })),
      // A shared tier's calls are told one by one.
      cache.on('tier-failed', ({ tier, operation }) => {
        if (tier === 'disk') this.#count('cache_errors_total', { tier, operation })
      }),
      cache.on('tier-called', (event) => this.#called(event)),
    ]
  }

  counts(name: Name): MetricSample[] {
    return [...(this.#counts.get(name)?.values() ?? [])].map(({ labels, value }) => ({ labels, value }))
  }

  durations(name: DistributionName): Distribution {
    return this.#distributions[name]
  }

  close(): void {
    for (const end of this.#ends) end()
  }

  #of({ policy }: { policy: string }): { cache: string; policy: string } {
    return { cache: this.#cache, policy: this.#policies.of(policy) }
  }

  #followed(event: Extract<CacheEvent, { type: 'followed' }>): void {
    const { outcome, waitedMs } = event
    this.#record('cache_follow_duration_seconds', waitedMs, { ...this.#of(event), outcome })
    if (outcome === 'value') this.#count('cache_fill_total', { outcome: 'follower_hit' })
    if (outcome === 'timeout') this.#count('cache_fill_total', { outcome: 'follower_timeout' })
  }

  #invalidated({ clear, tags, source }: Invalidated): void {
    const kind = clear ? 'clear' : tags.length > 0 ? 'tag' : 'key'
    this.#count('cache_invalidations_total', { kind, source })
  }

  #called({ tier, operation, durationMs, failed }: Called): void {
    this.#record('cache_operation_duration_seconds', durationMs, { cache: this.#cache, tier, operation })
    const dashboard = { operation: dashboardOperation(operation) }
    this.#record('dashboard_cache_latency_seconds', durationMs, dashboard)
    if (!failed) return
    this.#count('cache_errors_total', { tier, operation })
    this.#add('dashboard_cache_error_total', dashboard)
    if (operation === 'acquire') this.#count('cache_fill_total', { outcome: 'lock_error' })
  }

  #count(name: Name, labels: Labels): void {
    this.#add(name, { cache: this.#cache, ...labels })
  }

  #add(name: Name, labels: Labels): void {
    let series = this.#counts.get(name)
    if (series === undefined) {
      series = new Map()
      this.#counts.set(name, series)
    }
    const key = labelKey(labels)
    const known = series.get(key)
    if (known) known.value++
    else series.set(key, { labels, value: 1 })
  }

  #record(name: DistributionName, durationMs: number, labels: Labels): void {
    const seconds = durationMs / 1000
    this.#distributions[name].record(labels, seconds)
    this.#onRecord(name, seconds, labels)
  }
}
