import type { Samples } from './samples.js'

export interface OpenLoopOptions {
  readonly perSecond: number
  readonly random: () => number
  readonly signal: AbortSignal
  /** Called at each arrival with the moment it was meant to happen, on the clock of `performance.now()`. */
  readonly arrive: (intendedAt: number) => void
  /** How late this process itself was. */
  readonly lateness: Samples
}

/**
 * Arrivals at random moments (Poisson), whatever the server does: a slow server gets no pause. Latencies are counted
 * from the intended moment, so a stall shows in every request that it delayed.
 */
export function runOpenLoop({ perSecond, random, signal, arrive, lateness }: OpenLoopOptions): void {
  if (perSecond <= 0) return
  const nextGap = (): number => (-Math.log(1 - random()) * 1_000) / perSecond
  let nextAt = performance.now() + nextGap()
  const step = (): void => {
    if (signal.aborted) return
    const now = performance.now()
    while (nextAt <= now) {
      lateness.add(now - nextAt)
      arrive(nextAt)
      nextAt += nextGap()
    }
    setTimeout(step, Math.max(0, nextAt - performance.now()))
  }
  step()
}
