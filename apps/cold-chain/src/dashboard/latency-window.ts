export interface Percentiles {
  readonly samples: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** The last durations of something, in milliseconds, and their percentiles. */
export class LatencyWindow {
  readonly #durations: Float64Array
  #next = 0
  #filled = 0

  constructor(size = 1_000) {
    this.#durations = new Float64Array(size)
  }

  add(ms: number): void {
    this.#durations[this.#next] = ms
    this.#next = (this.#next + 1) % this.#durations.length
    this.#filled = Math.min(this.#filled + 1, this.#durations.length)
  }

  /** Nothing while there is no sample: a page shows a dash then, not a zero. */
  percentiles(): Percentiles | undefined {
    if (this.#filled === 0) return undefined
    const sorted = this.#durations.slice(0, this.#filled).sort()
    return { samples: this.#filled, p50: rank(sorted, 0.5), p95: rank(sorted, 0.95), p99: rank(sorted, 0.99) }
  }
}

/** Nearest rank: a duration that was measured, not one in between. */
export function rank(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
