import type { MetricDescription } from './metric-family.js'

type Facts = readonly [type: MetricDescription['type'], help: string]

/** What is published, by name. `docs/observability.md` has a row for each; a test compares both ways. */
export const METRICS = {
  cache_requests_total: [
    'counter',
    'Calls that asked for a value, by how they were answered: hit, stale, miss, joined.',
  ],
  cache_hits_total: ['counter', 'Fresh answers, by the tier that gave them.'],
  cache_fill_total: ['counter', 'hit, leader, follower_hit, follower_timeout, hedge, lock_error.'],
  cache_fill_errors_total: ['counter', 'Fills that failed.'],
  cache_not_stored_total: ['counter', 'Values that were not kept, by reason: fenced, full or other.'],
  cache_lease_lost_total: ['counter', 'Leases that ended while their fill ran.'],
  cache_invalidations_total: [
    'counter',
    'Invalidations applied here, by kind (key, tag, clear) and source (local, log, push).',
  ],
  cache_evictions_total: ['counter', 'Entries that left a tier, by reason: evicted, expired, refused.'],
  cache_errors_total: ['counter', 'Calls of a tier that failed.'],
  cache_breaker_state: [
    'gauge',
    '0 while calls of a tier go through, 1 while one at a time is tried, 2 while they are refused at once.',
  ],
  cache_log_breaks_total: ['counter', 'Times that the invalidation log could not be followed and memory was dropped.'],
  cache_entries: ['gauge', 'Entries held.'],
  cache_bytes: ['gauge', 'Bytes held.'],
  cache_max_entries: ['gauge', 'Most entries a tier may hold; absent without such a bound.'],
  cache_max_bytes: ['gauge', 'Most bytes a tier may hold; absent without such a bound.'],
  cache_tenants: ['gauge', 'Namespaces in use, the one without a tenant included.'],
  cache_flights: ['gauge', 'Reads, fills and stores under way.'],
  cache_queued_invalidations: ['gauge', 'Keys, tags and clears that wait for the shared tier to acknowledge them.'],
  cache_outage_hits_total: [
    'counter',
    'Answers of memory beyond the staleness bound, because the policy of outages allows it.',
  ],
  cache_is_current: ['gauge', '1 while local tiers may answer, 0 while the invalidation log cannot be followed.'],
  cache_synced_seconds_ago: ['gauge', 'Seconds since the last successful look at the invalidation log was sent.'],
  cache_max_staleness_seconds: ['gauge', 'The staleness bound.'],
  cache_load_duration_seconds: ['histogram', 'How long fills took, by outcome: ok, error.'],
  cache_follow_duration_seconds: ['histogram', 'How long followers waited, by outcome: value, timeout, retry.'],
  cache_operation_duration_seconds: ['histogram', 'How long calls of a shared tier took.'],
} as const satisfies Record<string, Facts>

export type MetricName = keyof typeof METRICS

/** The four names of the dashboard requirements, beside ours where asked for. */
export const DASHBOARD_METRICS = {
  dashboard_cache_hit_total: ['counter', 'Calls that were answered from the cache, fresh or stale.'],
  dashboard_cache_miss_total: ['counter', 'Calls that had to wait for a fill.'],
  dashboard_cache_error_total: ['counter', 'Operations of the shared tier that failed.'],
  dashboard_cache_latency_seconds: ['histogram', 'How long operations took; a hit in memory counts as 0.'],
} as const satisfies Record<string, Facts>

export type DashboardMetricName = keyof typeof DASHBOARD_METRICS

/** What an auditor adds. */
export const AUDIT_METRICS = {
  cache_audit_reads_total: ['counter', 'Looks of the auditor, by outcome: current, stale, absent, unknown.'],
  cache_stale_reads_per_million: ['gauge', 'Stale answers in a million that the auditor could compare.'],
} as const satisfies Record<string, Facts>

export function describeMetric<N extends string>(name: N, [type, help]: Facts): MetricDescription & { name: N } {
  return { name, help, type }
}
