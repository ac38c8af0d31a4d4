import { MAX_SOFT_RUNS } from './soft-clocks.js'

interface Run {
  readonly from: number
  to: number
  readonly sinceMs: number
  untilMs: number
}

/**
 * When a tag was softly invalidated, by the sequence at which that was applied here: the first one after an entry was
 * last judged says since when it is stale. Beyond the room there is, the two that are closest together become one, which
 * counts from its first.
 */
export class SoftRuns {
  #runs: Run[] = []

  add(at: number, sinceMs: number): void {
    this.#runs.push({ from: at, to: at, sinceMs, untilMs: sinceMs })
    if (this.#runs.length > MAX_SOFT_RUNS) this.#mergeClosest()
  }

  /** Since when an entry that was judged at `seen` is stale; Infinity if it is not. */
  sinceMs(seen: number): number {
    let since = Number.POSITIVE_INFINITY
    // One that was noticed late may have been earlier than those before it.
    for (const run of this.#runs) if (run.to > seen) since = Math.min(since, run.sinceMs)
    return since
  }

  #mergeClosest(): void {
    const runs = this.#runs
    const gap = (at: number): number => Math.abs(runs[at]!.sinceMs - runs[at - 1]!.untilMs)
    let closest = 1
    for (let at = 2; at < runs.length; at++) if (gap(at) < gap(closest)) closest = at
    const [earlier, later] = runs.splice(closest - 1, 2) as [Run, Run]
    const sinceMs = Math.min(earlier.sinceMs, later.sinceMs)
    const untilMs = Math.max(earlier.untilMs, later.untilMs)
    runs.splice(closest - 1, 0, { from: earlier.from, to: later.to, sinceMs, untilMs })
  }
}
