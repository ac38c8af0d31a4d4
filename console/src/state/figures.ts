import type { PolicyStats } from '../../../src/core/stats.ts'
import type { CacheSnapshot } from '../../../src/observe/console/console-snapshot.ts'
import { minuteAgo } from './store.ts'

/** What happened in the last minute, or since the page was opened if that is less. */
export interface Recent {
  readonly seconds: number
  readonly requests: number
  readonly fills: number
  readonly fillErrors: number
  readonly requestsPerSecond: number
  readonly fillsPerSecond: number
  /** Undefined: nobody asked. */
  readonly hitRatio: number | undefined
  readonly meanFillMs: number | undefined
}

export function recentOf(cache: CacheSnapshot): Recent {
  const { cache: before, seconds } = minuteAgo(cache.name)
  return difference(cache.stats, before?.stats, seconds)
}

export function recentOfPolicy(cache: CacheSnapshot, policy: string): Recent {
  const { cache: before, seconds } = minuteAgo(cache.name)
  const now = cache.stats.policies[policy]
  // A policy that is newer than the minute began at zero.
  return difference(now, before && (before.stats.policies[policy] ?? NOTHING), seconds)
}

/** Mean duration of a fill since the start; undefined before the first. */
export function meanFillMs({ fillMs }: PolicyStats): number | undefined {
  return fillMs.count === 0 ? undefined : fillMs.totalMs / fillMs.count
}

export function hitRatioOf({ requests, hitRatio }: PolicyStats): number | undefined {
  return requests === 0 ? undefined : hitRatio
}

type Counted = Pick<PolicyStats, 'requests' | 'hits' | 'staleHits' | 'fills' | 'fillErrors' | 'fillMs'>

const NOTHING: Counted = {
  requests: 0,
  hits: 0,
  staleHits: 0,
  fills: 0,
  fillErrors: 0,
  fillMs: { count: 0, totalMs: 0, maxMs: 0 },
}

function difference(now: Counted = NOTHING, before: Counted = now, seconds: number): Recent {
  const requests = now.requests - before.requests
  const fills = now.fills - before.fills
  const answered = now.hits + now.staleHits - before.hits - before.staleHits
  return {
    seconds,
    requests,
    fills,
    fillErrors: now.fillErrors - before.fillErrors,
    requestsPerSecond: seconds > 0 ? requests / seconds : 0,
    fillsPerSecond: seconds > 0 ? fills / seconds : 0,
    hitRatio: requests > 0 ? answered / requests : undefined,
    meanFillMs: fills > 0 ? (now.fillMs.totalMs - before.fillMs.totalMs) / fills : undefined,
  }
}
