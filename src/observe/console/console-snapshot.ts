import type { Cache } from '../../core/create-cache.js'
import type { Policy } from '../../core/policy.js'
import type { Clock } from '../../core/ports/clock.js'
import type { Key } from '../../core/ports/local-tier.js'
import type { CacheStats } from '../../core/stats.js'
import { type CacheHealth, cacheHealth } from '../cache-health.js'
import type { TenantTally, TenantTallySnapshot } from './tenant-tally.js'

/** How things stand. Numbers that have no bound are `null`. */
export interface ConsoleSnapshot {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** False: this console cannot change anything, because no token is set. */
  readonly canChange: boolean
  readonly process: {
    readonly pid: number
    readonly uptimeSeconds: number
    readonly rssBytes: number
    readonly node: string
  }
  readonly caches: readonly CacheSnapshot[]
}

export interface CacheSnapshot {
  readonly name: string
  readonly health: CacheHealth
  readonly stats: CacheStats
  readonly policies: readonly PolicySnapshot[]
  /** The tenants that ask most, counted while a stream is open. */
  readonly tenants: TenantTallySnapshot
}

export interface PolicySnapshot {
  readonly name: string
  readonly version: number
  /** In milliseconds; what is a function is left out. */
  readonly rules: Readonly<Record<string, unknown>>
}

/** A snapshot this young answers whoever asks: many pages cost what one costs. */
const YOUNG_MS = 500
const HEALTH_DEADLINE_MS = 1_000

export class Snapshots {
  readonly #caches: readonly Cache[]
  readonly #tallies: readonly TenantTally[]
  readonly #clock: Clock
  readonly #canChange: boolean
  #last: { at: number; snapshot: Promise<ConsoleSnapshot> } | undefined

  constructor(
    caches: readonly Cache[],
    { tallies, clock, canChange }: { tallies: readonly TenantTally[]; clock: Clock; canChange: boolean },
  ) {
    this.#caches = caches
    this.#tallies = tallies
    this.#clock = clock
    this.#canChange = canChange
  }

  take(): Promise<ConsoleSnapshot> {
    const now = this.#clock.now()
    if (this.#last === undefined || now - this.#last.at >= YOUNG_MS) this.#last = { at: now, snapshot: this.#take() }
    return this.#last.snapshot
  }

  async #take(): Promise<ConsoleSnapshot> {
    const caches = await Promise.all(
      this.#caches.map(async (cache, index) => {
        const health = await cacheHealth(cache, { deadlineMs: HEALTH_DEADLINE_MS })
        const stats = cache.stats()
        const tenants = this.#tallies[index]!.take()
        return { name: stats.name, health, stats, policies: cache.policies().map(policySnapshot), tenants }
      }),
    )
    const { rss } = process.memoryUsage()
    return {
      at: this.#clock.wallNow(),
      canChange: this.#canChange,
      process: { pid: process.pid, uptimeSeconds: Math.round(process.uptime()), rssBytes: rss, node: process.version },
      caches,
    }
  }
}

function policySnapshot({ name, version, rules }: Policy<Key>): PolicySnapshot {
  const shown = Object.entries(rules).filter(([field, value]) => typeof value !== 'function' && field !== 'value')
  return { name, version, rules: Object.fromEntries(shown) }
}
