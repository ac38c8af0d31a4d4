import type { Cache } from '../../core/create-cache.js'
import { InvalidOptionError } from '../../core/errors.js'
import { checkFields } from '../../core/options.js'
import type { Clock } from '../../core/ports/clock.js'
import type { EvictionName } from '../../core/ports/local-tier.js'
import { find } from './console-actions.js'

/** Pings that one call may ask for. */
const MAX_PINGS = 1_000
const PING_DEADLINE_MS = 1_000
/** They answer from what this process knows: there is no way to go. */
const INSIDE = new Set(['memory', 'disk'])
/** However slow a server is, a measurement ends. */
const MEASURE_MS = 5_000

/** Another eviction of memory, from now on: `{ cache?, eviction }`. */
export function changeEviction(caches: readonly Cache[], body: unknown, clock: Clock): object {
  const fields = checkFields(body, ['cache', 'eviction'], 'eviction')
  const { cache, about } = find(caches, fields)
  const { memory } = cache
  if (memory === undefined) {
    throw new InvalidOptionError({ field: 'eviction.cache', value: about.cache, rule: 'must have a memory tier' })
  }
  const before = cache.stats().tiers.memory
  const startedMs = clock.now()
  memory.useEviction(fields.eviction as EvictionName)
  const tookMs = rounded(clock.now() - startedMs)
  const { eviction: to } = cache.stats().tiers.memory!
  return { done: 'eviction-changed', cache: about.cache, from: before?.eviction, to, entries: before?.entries, tookMs }
}

/** Round trips to what is outside this process, one after the other: `{ cache?, pings? }`. No key is touched. */
export async function measureTiers(caches: readonly Cache[], body: unknown, clock: Clock): Promise<object> {
  const fields = checkFields(body, ['cache', 'pings'], 'measure')
  const { cache, about } = find(caches, fields)
  const { pings = 100 } = fields
  if (!Number.isInteger(pings) || (pings as number) < 1 || (pings as number) > MAX_PINGS) {
    const rule = `must be a whole number from 1 to ${MAX_PINGS}`
    throw new InvalidOptionError({ field: 'measure.pings', value: pings, rule })
  }
  const startedMs = clock.now()
  const taken = new Map<string, { latencies: number[]; failed: number }>()
  let asked = 0
  while (asked < (pings as number) && clock.now() - startedMs < MEASURE_MS) {
    asked++
    for (const { tier, state, latencyMs } of await cache.ping({ deadlineMs: PING_DEADLINE_MS })) {
      if (INSIDE.has(tier)) continue
      const one = taken.get(tier) ?? { latencies: [], failed: 0 }
      taken.set(tier, one)
      if (state === 'up') one.latencies.push(latencyMs)
      else one.failed++
    }
  }
  const tiers = [...taken].map(([tier, { latencies, failed }]) => ({ tier, failed, ...quantiles(latencies) }))
  return { done: 'measured', cache: about.cache, asked, tookMs: rounded(clock.now() - startedMs), tiers }
}

function quantiles(latencies: number[]): object {
  const sorted = latencies.sort((a, b) => a - b)
  const at = (share: number): number | undefined => {
    const latency = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
    return latency === undefined ? undefined : rounded(latency)
  }
  return { answered: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) }
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000
}
