import type { Cache } from '../../core/create-cache.js'
import type { CancelTimer, Clock } from '../../core/ports/clock.js'

/** Counts of a cache at one moment, all of them since the cache was made. */
export interface HistoryPoint {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly requests: number
  readonly hits: number
  readonly staleHits: number
  readonly fills: number
  readonly fillErrors: number
  readonly fillTotalMs: number
  readonly invalidations: number
}

export interface CacheHistory {
  readonly name: string
  /** Oldest first, one for every two seconds of the last ten minutes. */
  readonly points: readonly HistoryPoint[]
}

const EVERY_MS = 2_000
const POINTS = 300

/** What the counts were lately, so that a page that is opened at an incident shows how it began. */
export class ConsoleHistory {
  readonly #caches: readonly Cache[]
  readonly #clock: Clock
  readonly #points: HistoryPoint[][]
  #cancel: CancelTimer = () => {}

  constructor(caches: readonly Cache[], clock: Clock) {
    this.#caches = caches
    this.#clock = clock
    this.#points = caches.map(() => [])
    this.#look()
  }

  take(): CacheHistory[] {
    return this.#caches.map((cache, index) => ({ name: cache.stats().name, points: this.#points[index]! }))
  }

  close(): void {
    this.#cancel()
  }

  #look(): void {
    this.#caches.forEach((cache, index) => {
      const points = this.#points[index]!
      points.push(historyPoint(cache, this.#clock.wallNow()))
      if (points.length > POINTS) points.shift()
    })
    this.#cancel = this.#clock.setHousekeepingTimer(() => this.#look(), EVERY_MS)
  }
}

function historyPoint(cache: Cache, at: number): HistoryPoint {
  const { requests, hits, staleHits, fills, fillErrors, fillMs, invalidations } = cache.stats()
  return { at, requests, hits, staleHits, fills, fillErrors, fillTotalMs: fillMs.totalMs, invalidations }
}
