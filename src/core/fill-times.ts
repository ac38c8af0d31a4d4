/** Fills that are remembered: enough for a P99, 2 KB a policy. */
const KEPT = 256

/** How long a policy's latest fills took, failed ones included. */
export class FillTimes {
  readonly #tookMs: number[] = []
  #next = 0

  /** Fills remembered, at most 256. */
  get count(): number {
    return this.#tookMs.length
  }

  add(tookMs: number): void {
    this.#tookMs[this.#next] = tookMs
    this.#next = (this.#next + 1) % KEPT
  }

  /** The time that 99 of 100 of them stayed within; 0 before the first. */
  get p99Ms(): number {
    const sorted = this.#tookMs.toSorted((a, b) => a - b)
    return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0
  }
}
