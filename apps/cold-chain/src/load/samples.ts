import { type Percentiles, rank } from '../dashboard/latency-window.js'

/** All durations of one kind in a run, in milliseconds. */
export class Samples {
  readonly #values: number[] = []

  add(ms: number): void {
    this.#values.push(ms)
  }

  get count(): number {
    return this.#values.length
  }

  summary(): (Percentiles & { readonly max: number }) | undefined {
    if (this.#values.length === 0) return undefined
    const sorted = Float64Array.from(this.#values).sort()
    return {
      samples: sorted.length,
      p50: rank(sorted, 0.5),
      p95: rank(sorted, 0.95),
      p99: rank(sorted, 0.99),
      max: sorted.at(-1)!,
    }
  }
}
