import type { PolicyCounters } from './counters.js'
import type { CacheParts } from './parts.js'
import type { BreakerState } from './ports/breaker-state.js'
import type { MemoryDetails, RemovalReason } from './ports/local-tier.js'
import type { RegisteredPolicy } from './space.js'

/** Counts of one policy since the cache was made. */
export interface PolicyStats {
  /** Calls that asked for a value. */
  readonly requests: number
  /** Answered fresh by a tier. */
  readonly hits: number
  readonly staleHits: number
  readonly misses: number
  /** Callers that joined somebody else's flight. */
  readonly joined: number
  readonly fills: number
  readonly fillErrors: number
  /** Share of requests that were answered fresh or stale without waiting for a fill; 0 before the first request. */
  readonly hitRatio: number
  readonly fillMs: { readonly count: number; readonly totalMs: number; readonly maxMs: number }
  /** Fills that another process did for this one. */
  readonly followed: number
  /** Fills whose lease was gone at the store. */
  readonly fenced: number
  /** Fills whose value was not kept: invalidated meanwhile, `undefined`, ttl zero. */
  readonly notStored: number
}

export interface TierStats extends Partial<MemoryDetails> {
  readonly hits: number
  readonly entries?: number
  readonly bytes?: number
  readonly maxEntries?: number
  readonly maxBytes?: number
  readonly evicted?: number
  readonly expired?: number
  readonly refused?: number
  /** Records that could not be read as they were written. */
  readonly damaged?: number
  /** Commands that failed. */
  readonly errors?: number
  /** By part: `commands` of a shared tier, `reads` and `writes` of the disk. Absent without a breaker. */
  readonly breakers?: Readonly<Record<string, BreakerState>>
  /** Present where nothing fences a late fill: guarantee G1 is off. */
  readonly fencing?: 'none'
}

export interface CacheStats extends PolicyStats {
  readonly name: string
  /** Names this cache among all that share a tier, for instance in what `explain` tells of invalidations. */
  readonly sender: string
  /** Calls of delete, invalidate and clear in this process. */
  readonly invalidations: number
  /** Keys, tags and clears that wait to be delivered (`whenUnavailable: 'queue'`). */
  readonly queuedInvalidations: number
  /** Namespaces in use, the one without a tenant included. */
  readonly tenants: number
  /** Reads, fills and stores under way. */
  readonly flights: number
  readonly tiers: Readonly<Record<string, TierStats>>
  readonly policies: Readonly<Record<string, PolicyStats>>
  readonly staleness: {
    readonly maxStalenessMs: number
    /** Since the last successful sync was sent; absent without a shared tier or before the first. */
    readonly syncedMsAgo?: number | undefined
    /** False while memory may not answer for others' invalidations, because the log could not be followed. */
    readonly isCurrent: boolean
    /** Reads that memory answered beyond the bound, because `outage` is `'serve'`. */
    readonly outageHits: number
  }
}

/** Counts that belong to tiers, not policies. */
export class TierCounters {
  readonly removed: Record<RemovalReason, number> = {
    evicted: 0,
    expired: 0,
    deleted: 0,
    invalidated: 0,
    replaced: 0,
    refused: 0,
  }
  sharedErrors = 0
  outageHits = 0
}

export function takeStats(
  parts: CacheParts,
  facts: {
    policies: Iterable<RegisteredPolicy>
    invalidations: number
    queuedInvalidations: number
    tenants: number
    maxStalenessMs: number
  },
): CacheStats {
  const policies: Record<string, PolicyCounters[]> = {}
  for (const { name, counters } of facts.policies) {
    policies[name] ??= []
    policies[name].push(counters)
  }
  const all = Object.values(policies).flat()
  const { memory, disk, shared, sync, clock, tiers: counted } = parts
  const tiers: Record<string, TierStats> = {}
  if (memory) {
    const { evicted, expired, refused } = counted.removed
    tiers.memory = { hits: sum(all, 'memoryHits'), ...memory.usage(), ...memory.details(), evicted, expired, refused }
  }
  if (shared) {
    const fencing = shared.fencing && { fencing: shared.fencing }
    const state = shared.breakerState?.()
    const breakers = state && { breakers: { commands: state } }
    tiers[shared.name] = { hits: sum(all, 'sharedHits'), errors: counted.sharedErrors, ...breakers, ...fencing }
  }
  if (disk) {
    const { entries, bytes, maxEntries, maxBytes, evicted, refused, damaged, errors, reads, writes } = disk.tier.usage()
    const hits = sum(all, 'diskHits')
    const breakers = { reads, writes }
    tiers.disk = { hits, entries, bytes, maxEntries, maxBytes, evicted, refused, damaged, errors, breakers }
  }
  const nowMs = clock.now()
  return {
    name: parts.name,
    sender: parts.sender,
    ...policyStats(all),
    invalidations: facts.invalidations,
    queuedInvalidations: facts.queuedInvalidations,
    tenants: facts.tenants,
    flights: parts.work.size,
    tiers,
    policies: Object.fromEntries(Object.entries(policies).map(([name, counters]) => [name, policyStats(counters)])),
    staleness: {
      maxStalenessMs: facts.maxStalenessMs,
      syncedMsAgo: sync?.isAnchored ? nowMs - sync.syncedAtMs : undefined,
      isCurrent: sync === undefined || sync.covers(sync.syncedAtMs, nowMs),
      outageHits: counted.outageHits,
    },
  }
}

function policyStats(counters: readonly PolicyCounters[]): PolicyStats {
  const hits = sum(counters, 'memoryHits') + sum(counters, 'diskHits') + sum(counters, 'sharedHits')
  const staleHits = sum(counters, 'staleHits')
  const misses = sum(counters, 'misses')
  const joined = sum(counters, 'joined')
  const requests = hits + staleHits + misses + joined
  const fills = sum(counters, 'fills')
  return {
    requests,
    hits,
    staleHits,
    misses,
    joined,
    fills,
    fillErrors: sum(counters, 'fillErrors'),
    hitRatio: requests === 0 ? 0 : (hits + staleHits) / requests,
    fillMs: {
      count: fills,
      totalMs: sum(counters, 'fillTotalMs'),
      maxMs: Math.max(0, ...counters.map((one) => one.fillMaxMs)),
    },
    followed: sum(counters, 'followed'),
    fenced: sum(counters, 'fenced'),
    notStored: sum(counters, 'notStored'),
  }
}

function sum(
  counters: readonly PolicyCounters[],
  field: Exclude<keyof PolicyCounters, 'usualFillMs' | 'fillTimes'>,
): number {
  return counters.reduce((total, one) => total + one[field], 0)
}
