import type { CacheStats } from '../core/stats.js'
import type { MetricName } from './metric-names.js'
import type { PolicyLabels } from './policy-labels.js'

/** In the order of their numbers. */
const BREAKER_STATES = ['closed', 'half-open', 'open']

export interface NamedSample {
  readonly name: MetricName
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The series that a cache's own counts say; policies without a label of their own are added up as 'other'. */
export function statsSamples(stats: CacheStats, policies: PolicyLabels): NamedSample[] {
  const cache = stats.name
  const one = (name: MetricName, value: number | undefined, labels = {}): NamedSample[] =>
    value === undefined || !Number.isFinite(value) ? [] : [{ name, labels: { cache, ...labels }, value }]
  const { staleness } = stats
  return [
    ...policySamples(stats, policies),
    ...Object.entries(stats.tiers).flatMap(([tier, counts]) => [
      ...one('cache_hits_total', counts.hits, { tier }),
      ...(['evicted', 'expired', 'refused'] as const).flatMap((reason) =>
        one('cache_evictions_total', counts[reason], { tier, reason }),
      ),
      ...Object.entries(counts.breakers ?? {}).flatMap(([part, state]) =>
        one('cache_breaker_state', BREAKER_STATES.indexOf(state), { tier, part }),
      ),
      ...one('cache_entries', counts.entries, { tier }),
      ...one('cache_bytes', counts.bytes, { tier }),
      ...one('cache_max_entries', counts.maxEntries, { tier }),
      ...one('cache_max_bytes', counts.maxBytes, { tier }),
    ]),
    ...one('cache_fill_total', stats.hits + stats.staleHits, { outcome: 'hit' }),
    ...one('cache_fill_total', stats.fills, { outcome: 'leader' }),
    ...one('cache_tenants', stats.tenants),
    ...one('cache_flights', stats.flights),
    ...one('cache_queued_invalidations', stats.queuedInvalidations),
    ...one('cache_outage_hits_total', staleness.outageHits),
    ...one('cache_is_current', staleness.isCurrent ? 1 : 0),
    ...one('cache_synced_seconds_ago', staleness.syncedMsAgo && staleness.syncedMsAgo / 1000),
    ...one('cache_max_staleness_seconds', staleness.maxStalenessMs / 1000),
  ]
}

function policySamples({ name: cache, policies: byName }: CacheStats, labels: PolicyLabels): NamedSample[] {
  const sums = new Map<string, NamedSample>()
  const add = (name: MetricName, series: Record<string, string>, value: number): void => {
    const key = [name, ...Object.values(series)].join('\u0000')
    sums.set(key, { name, labels: { cache, ...series }, value: value + (sums.get(key)?.value ?? 0) })
  }
  for (const [name, counts] of Object.entries(byName)) {
    const policy = labels.of(name)
    add('cache_requests_total', { policy, outcome: 'hit' }, counts.hits)
    add('cache_requests_total', { policy, outcome: 'stale' }, counts.staleHits)
    add('cache_requests_total', { policy, outcome: 'miss' }, counts.misses)
    add('cache_requests_total', { policy, outcome: 'joined' }, counts.joined)
    add('cache_fill_errors_total', { policy }, counts.fillErrors)
    add('cache_not_stored_total', { policy, reason: 'fenced' }, counts.fenced)
    add('cache_not_stored_total', { policy, reason: 'other' }, Math.max(0, counts.notStored - counts.fenced))
  }
  return [...sums.values()]
}
