import type { Cache } from '../../core/create-cache.js'
import type { CacheEvent } from '../../core/events.js'
import type { HitTally } from '../../core/hit-tally.js'
import { insideOf } from '../../core/inside.js'
import type { Clock } from '../../core/ports/clock.js'

/** What one tenant asked for while somebody watched. */
export interface TenantCounts {
  readonly tenant: string
  readonly requests: number
  readonly hits: number
  readonly staleHits: number
  readonly misses: number
  readonly fills: number
  readonly fillErrors: number
  readonly fillTotalMs: number
  readonly invalidations: number
}

export interface TenantTallySnapshot {
  /** How long was counted, in all. */
  readonly countedMs: number
  /** Above 0 only with thousands of tenants: by how many requests, at most, one of them was really busier. */
  readonly blurredBy: number
  /** Those with most requests first. */
  readonly top: readonly TenantCounts[]
}

const SHOWN = 50
/** At this many the lesser half is dropped, so that a million tenants cost no more than these. */
const KEPT = 2_000
/** Who looks away for less goes on where they were. */
const REMEMBERED_MS = 60_000

type Counts = { -readonly [field in keyof TenantCounts]: TenantCounts[field] }

const COUNTED = ['stale', 'miss', 'joined', 'filled', 'fill-failed', 'invalidated'] as const

/** Counts by tenant, and only while somebody watches: a hit that nobody listens for costs nothing. */
export class TenantTally {
  readonly #cache: Cache
  readonly #clock: Clock
  readonly #hits: HitTally
  #counts = new Map<string, Counts>()
  #ends: (() => void)[] = []
  #watchers = 0
  #startedMs = 0
  #stoppedMs = Number.NEGATIVE_INFINITY
  #countedMs = 0
  #blurredBy = 0

  constructor(cache: Cache, clock: Clock) {
    this.#cache = cache
    this.#clock = clock
    this.#hits = insideOf(cache, 'cache').hits
  }

  /** Returns the function that ends it. */
  watch(): () => void {
    if (this.#watchers++ === 0) this.#start()
    let isWatching = true
    return () => {
      if (!isWatching) return
      isWatching = false
      if (--this.#watchers === 0) this.#stop()
    }
  }

  take(): TenantTallySnapshot {
    this.#hits.tell()
    const top = [...this.#counts.values()].sort(busier).slice(0, SHOWN)
    const running = this.#watchers > 0 ? this.#clock.now() - this.#startedMs : 0
    return {
      countedMs: Math.round(this.#countedMs + running),
      blurredBy: this.#blurredBy,
      top: top.map((counts) => ({ ...counts })),
    }
  }

  #start(): void {
    const now = this.#clock.now()
    if (now - this.#stoppedMs > REMEMBERED_MS) {
      this.#counts = new Map()
      this.#countedMs = this.#blurredBy = 0
    }
    this.#startedMs = now
    const count = (event: CacheEvent): void => this.#count(event)
    this.#ends = COUNTED.map((type) => this.#cache.on(type, count))
    this.#ends.push(this.#hits.count((tenant, hits) => this.#countHits(tenant, hits)))
  }

  #stop(): void {
    this.#stoppedMs = this.#clock.now()
    this.#countedMs += this.#stoppedMs - this.#startedMs
    for (const end of this.#ends) end()
    this.#ends = []
  }

  #countHits(tenant: string, hits: number): void {
    const counts = this.#of(tenant)
    counts.requests += hits
    counts.hits += hits
  }

  #count(event: CacheEvent): void {
    if (!('tenant' in event) || event.tenant === undefined) return
    const counts = this.#of(event.tenant)
    switch (event.type) {
      case 'stale':
        counts.requests++
        counts.staleHits++
        break
      case 'miss':
        counts.requests++
        counts.misses++
        break
      case 'joined':
        counts.requests++
        break
      case 'filled':
        counts.fills++
        counts.fillTotalMs += event.durationMs
        break
      case 'fill-failed':
        counts.fillErrors++
        break
      case 'invalidated':
        counts.invalidations++
        break
    }
  }

  #of(tenant: string): Counts {
    const known = this.#counts.get(tenant)
    if (known) return known
    if (this.#counts.size >= KEPT) this.#dropHalf()
    const fresh: Counts = {
      tenant,
      requests: 0,
      hits: 0,
      staleHits: 0,
      misses: 0,
      fills: 0,
      fillErrors: 0,
      fillTotalMs: 0,
      invalidations: 0,
    }
    this.#counts.set(tenant, fresh)
    return fresh
  }

  /** Each time, a tenant that comes back later has lost no more than the busiest that was dropped. */
  #dropHalf(): void {
    const ranked = [...this.#counts.values()].sort(busier)
    this.#blurredBy += ranked[KEPT / 2]!.requests
    this.#counts = new Map(ranked.slice(0, KEPT / 2).map((counts) => [counts.tenant, counts]))
  }
}

function busier(a: Counts, b: Counts): number {
  return b.requests - a.requests || b.fills - a.fills || (a.tenant < b.tenant ? -1 : 1)
}
