// The global one is a getter, which costs as much as the look at the time itself.
import { performance } from 'node:perf_hooks'
import type { CancelTimer, Clock } from './ports/clock.js'

const READS_PER_LOOK = 128

/** The real clock. `coarseNow` looks at it at a turn's first read and at every 128th. */
class SystemClock implements Clock {
  #coarse = 0
  #readsLeft = 0
  #turnEnds = false

  now(): number {
    return performance.now()
  }

  coarseNow(): number {
    if (this.#readsLeft === 0) return this.#look()
    this.#readsLeft--
    return this.#coarse
  }

  wallNow(): number {
    return Date.now()
  }

  setTimer(run: () => void, delayMs: number): CancelTimer {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  }

  setHousekeepingTimer(run: () => void, delayMs: number): CancelTimer {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  }

  #look(): number {
    // Whole milliseconds: a small integer goes through calls without being boxed.
    this.#coarse = Math.floor(performance.now())
    this.#readsLeft = READS_PER_LOOK - 1
    if (!this.#turnEnds) {
      this.#turnEnds = true
      setImmediate(this.#endTurn).unref()
    }
    return this.#coarse
  }

  readonly #endTurn = (): void => {
    this.#readsLeft = 0
    this.#turnEnds = false
  }
}

/** One for the process: all caches share a turn's look at the time. */
export const systemClock: Clock = new SystemClock()
