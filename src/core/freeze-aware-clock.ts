import type { CancelTimer, Clock } from './ports/clock.js'

/** Wall time is given in whole milliseconds, and slewed a little all the time. */
const TOLERANCE_MS = 20

/**
 * A clock that also counts the time for which the whole machine stood still: the monotonic clock of a frozen virtual
 * machine stops, so that by it a copy from an hour ago is as old as it was then. What the wall clock ran ahead is
 * added; a wall clock that is set back changes nothing. One that is set forward makes copies look older than they are,
 * which costs a look at the log and some fills.
 *
 * Timers are those of the clock inside: nothing can fire while the machine stands still.
 */
export class FreezeAwareClock implements Clock {
  readonly #clock: Clock
  #aheadMs = 0
  /** Wall time less monotonic time, as last accounted for. */
  #gapMs: number
  #coarse = Number.NaN
  #coarseAnswer = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#gapMs = clock.wallNow() - clock.now()
  }

  now(): number {
    return this.#at(this.#clock.now())
  }

  coarseNow(): number {
    const coarse = this.#clock.coarseNow()
    if (coarse !== this.#coarse) {
      this.#coarse = coarse
      this.#coarseAnswer = Math.floor(this.#at(coarse))
    }
    return this.#coarseAnswer
  }

  wallNow(): number {
    return this.#clock.wallNow()
  }

  setTimer(run: () => void, delayMs: number): CancelTimer {
    return this.#clock.setTimer(run, delayMs)
  }

  setHousekeepingTimer(run: () => void, delayMs: number): CancelTimer {
    return this.#clock.setHousekeepingTimer(run, delayMs)
  }

  #at(monotonicMs: number): number {
    if (Math.abs(this.#clock.wallNow() - monotonicMs - this.#gapMs) > TOLERANCE_MS) this.#account()
    return monotonicMs + this.#aheadMs
  }

  /** Reads the wall between two looks at the monotonic clock: a pause between two readings is no freeze. */
  #account(): void {
    const beforeMs = this.#clock.now()
    const wallMs = this.#clock.wallNow()
    const leastMs = wallMs - this.#clock.now() - this.#gapMs
    const mostMs = wallMs - beforeMs - this.#gapMs
    if (leastMs > TOLERANCE_MS) {
      this.#aheadMs += leastMs
      this.#gapMs += leastMs
    } else if (mostMs < -TOLERANCE_MS) {
      this.#gapMs += mostMs
    }
  }
}
