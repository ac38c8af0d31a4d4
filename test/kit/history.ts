import type { Consistency } from '../../src/index.js'

interface Acknowledgement {
  readonly version: number
  readonly atMs: number
  readonly client: number
}

/**
 * What happened to one number that only grows, and whether every read kept its promise: a read that started at `t`
 * must be at least as new as whatever was acknowledged before `t - bound`, where the bound is zero for a strict read
 * and for what its own client acknowledged. Linear, no search.
 */
export class History {
  readonly #acknowledged: Acknowledgement[] = []
  readonly #maxStalenessMs: number
  readonly violations: string[] = []
  reads = 0

  constructor(maxStalenessMs: number) {
    this.#maxStalenessMs = maxStalenessMs
  }

  acknowledge(version: number, atMs: number, client: number): void {
    this.#acknowledged.push({ version, atMs, client })
  }

  /** What a read that starts now must at least return. */
  least(startMs: number, level: Consistency, client: number): number {
    let least = 0
    for (const one of this.#acknowledged) {
      const counts = one.client === client || level === 'strict' || one.atMs < startMs - this.#maxStalenessMs
      if (counts) least = Math.max(least, one.version)
    }
    return least
  }

  read(value: number, least: number, what: string): void {
    this.reads++
    if (value < least) this.violations.push(`${what} returned ${value}, must be at least ${least}`)
  }
}
