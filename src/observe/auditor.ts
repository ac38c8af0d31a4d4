import { isDeepStrictEqual } from 'node:util'
import type { Cache } from '../core/create-cache.js'
import type { EntryLookup } from '../core/entry.js'
import type { Policy } from '../core/policy.js'
import type { CancelTimer, Clock } from '../core/ports/clock.js'
import type { Key } from '../core/ports/local-tier.js'
import type { Random } from '../core/ports/random.js'
import { type AuditorOptions, type AuditSettings, checkAuditorOptions } from './auditor-options.js'
import type { MetricSource } from './cache-metrics.js'
import type { MetricDescription, MetricFamily } from './metric-family.js'
import { AUDIT_METRICS, describeMetric } from './metric-names.js'

/** Names one entry. */
export interface AuditedEntry {
  readonly policy: string
  /** '' outside any tenant. */
  readonly tenant: string
  readonly key: Key
}

/** What one look came to. `absent`: nothing was held. `unknown`: it could not be said, because things were moving. */
export type AuditOutcome = 'current' | 'stale' | 'absent' | 'unknown'

export interface AuditReport extends Readonly<Record<AuditOutcome, number>> {
  /** Stale answers in a million that could be compared; 0 before the first. */
  readonly staleReadsPerMillion: number
}

export interface Auditor extends MetricSource {
  report(): AuditReport
  /** Looks no longer; resolves when the look under way has ended. */
  close(): Promise<void>
}

/** Entries whose fills were seen lately, of all tenants: what an invalidation may have meant. */
const MAX_KNOWN = 1_000
/** Looks that wait for their time. */
const MAX_PENDING = 100
const ENTRIES_PER_AUDIT = 3

/**
 * Holds a cache to its word: after a share of the invalidations it reads entries of that tenant again, and compares
 * them with what `origin` says. A difference counts as stale only if it is still there a staleness bound later, with the
 * origin unchanged and no other invalidation in between.
 *
 * ```ts
 * const auditor = auditCache(cache, { origin: ({ policy, tenant, key }) => loaders[policy](tenant, key), share: 0.01 })
 * const metrics = cacheMetrics(cache, { sources: [auditor] })
 * ```
 *
 * @throws InvalidOptionError
 */
export function auditCache(cache: Cache, options: AuditorOptions): Auditor {
  return new CacheAuditor(cache, checkAuditorOptions(cache, options))
}

class CacheAuditor implements Auditor {
  readonly #cache: Cache
  readonly #name: string
  readonly #clock: Clock
  readonly #random: Random
  readonly #settings: AuditSettings
  readonly #counts: Record<AuditOutcome, number> = { current: 0, stale: 0, absent: 0, unknown: 0 }
  /** The latest last. */
  readonly #known = new Map<string, AuditedEntry>()
  /** Looks that wait, by entry and delay: an entry that is invalidated again meanwhile is looked at once. */
  readonly #timers = new Map<string, CancelTimer>()
  /** Invalidations of each tenant so far, to notice one that comes between two looks. */
  readonly #seen = new Map<string, number>()
  readonly #ends: (() => void)[]
  #running: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(cache: Cache, settings: AuditSettings) {
    this.#cache = cache
    this.#name = cache.stats().name
    this.#settings = settings
    this.#clock = settings.clock
    this.#random = settings.random
    this.#ends = [
      cache.on('filled', ({ policy, tenant, key, stored }) => {
        if (stored) this.#remember({ policy, tenant, key })
      }),
      cache.on('invalidated', ({ tenant, soft }) => {
        if (!soft) this.#invalidated(tenant)
      }),
    ]
  }

  report(): AuditReport {
    const { current, stale } = this.#counts
    const compared = current + stale
    return { ...this.#counts, staleReadsPerMillion: compared === 0 ? 0 : (stale / compared) * 1e6 }
  }

  describe(): MetricDescription[] {
    return (Object.keys(AUDIT_METRICS) as (keyof typeof AUDIT_METRICS)[]).map((name) =>
      describeMetric(name, AUDIT_METRICS[name]),
    )
  }

  families(): MetricFamily[] {
    const cache = this.#name
    const reads = Object.entries(this.#counts).map(([outcome, value]) => ({ labels: { cache, outcome }, value }))
    const share = [{ labels: { cache }, value: this.report().staleReadsPerMillion }]
    const samples = { cache_audit_reads_total: reads, cache_stale_reads_per_million: share }
    return Object.entries(AUDIT_METRICS).map(([name, facts]) => ({
      ...describeMetric(name, facts),
      samples: samples[name as keyof typeof AUDIT_METRICS],
    }))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const end of this.#ends) end()
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
    await this.#running
  }

  #remember(entry: AuditedEntry): void {
    const id = idOf(entry)
    this.#known.delete(id)
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(id, entry)
  }

  #invalidated(tenant: string): void {
    if (this.#seen.size >= MAX_KNOWN && !this.#seen.has(tenant)) this.#seen.delete(this.#seen.keys().next().value!)
    this.#seen.set(tenant, (this.#seen.get(tenant) ?? 0) + 1)
    if (this.#random.next() >= this.#settings.share) return
    const entries = [...this.#known.values()].filter((known) => known.tenant === tenant).slice(-ENTRIES_PER_AUDIT)
    for (const entry of entries) {
      for (const delayMs of this.#settings.delaysMs) {
        this.#later(`${delayMs} ${idOf(entry)}`, delayMs, () => this.#audit(entry))
      }
    }
  }

  #later(id: string, delayMs: number, look: () => Promise<void>): void {
    if (this.#isClosed || this.#timers.size >= MAX_PENDING || this.#timers.has(id)) return
    const cancel = this.#clock.setHousekeepingTimer(() => {
      this.#timers.delete(id)
      // One after the other: auditing must never become the load.
      this.#running = this.#running.then(() => (this.#isClosed ? undefined : look()))
    }, delayMs)
    this.#timers.set(id, cancel)
  }

  async #audit(entry: AuditedEntry): Promise<void> {
    const seen = this.#seen.get(entry.tenant)
    const first = await this.#look(entry)
    if (typeof first === 'string') return this.#count(first)
    if (isDeepStrictEqual(first.held, first.origin)) return this.#count('current')
    this.#later(`confirm ${idOf(entry)}`, this.#settings.confirmMs, async () => {
      const second = await this.#look(entry)
      const isSame = typeof second !== 'string' && isDeepStrictEqual(second, first)
      if (!isSame || this.#seen.get(entry.tenant) !== seen) return this.#count('unknown')
      this.#count('stale')
      this.#settings.onStale?.(entry)
    })
  }

  /** What is held and what the origin says, or why they cannot be compared. Never rejects. */
  async #look(entry: AuditedEntry): Promise<{ held: unknown; origin: unknown } | 'absent' | 'unknown'> {
    const policy = this.#cache.policies().find(({ name }) => name === entry.policy) as Policy<Key> | undefined
    if (policy === undefined) return 'unknown'
    try {
      const scope = entry.tenant === '' ? this.#cache : this.#cache.tenant(entry.tenant)
      const held: EntryLookup<unknown> = await scope.getEntry(policy, entry.key)
      if (held.state === 'failed') return 'unknown'
      if (held.state === 'missing') return 'absent'
      return { held: held.value, origin: await this.#settings.origin(entry) }
    } catch {
      return 'unknown'
    }
  }

  #count(outcome: AuditOutcome): void {
    this.#counts[outcome]++
  }
}

function idOf({ policy, tenant, key }: AuditedEntry): string {
  return JSON.stringify([policy, tenant, key])
}
