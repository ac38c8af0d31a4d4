import type { CancelTimer, Clock } from '../core/ports/clock.js'

/** Slots looked at in one step: some tens of microseconds, and half a millisecond if all of them leave. */
const SLOTS_A_STEP = 4_096
/** A whole round takes about this long, unless steps would then be closer than `MIN_PAUSE_MS`. */
const ROUND_MS = 30_000
const MAX_PAUSE_MS = 1_000
const MIN_PAUSE_MS = 10

export interface Sweepable {
  /** Slots are numbered from 1 to here. */
  readonly top: number
  /** Entries held. */
  readonly count: number
  /** Drops the entry in this slot if there is one and its time is over. */
  sweep(slot: number, nowMs: number): void
  /** Called after every step. */
  stepped(nowMs: number): void
}

/** Drops entries whose time is over in the background, a bounded number a step. Runs only while there are entries. */
export class ExpirySweep {
  readonly #clock: Clock
  readonly #swept: Sweepable
  #cancel: CancelTimer | undefined
  #next = 1

  constructor(clock: Clock, swept: Sweepable) {
    this.#clock = clock
    this.#swept = swept
  }

  /** Called with every new entry. */
  wake(): void {
    if (this.#cancel === undefined) this.#cancel = this.#clock.setHousekeepingTimer(this.#step, this.#pauseMs())
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  readonly #step = (): void => {
    this.#cancel = undefined
    const nowMs = this.#clock.now()
    const { top } = this.#swept
    const steps = Math.min(SLOTS_A_STEP, top)
    for (let step = 0; step < steps; step++) {
      if (this.#next > top) this.#next = 1
      this.#swept.sweep(this.#next++, nowMs)
    }
    this.#swept.stepped(nowMs)
    if (this.#swept.count > 0) this.wake()
  }

  #pauseMs(): number {
    const steps = Math.ceil(this.#swept.top / SLOTS_A_STEP)
    return Math.max(MIN_PAUSE_MS, Math.min(MAX_PAUSE_MS, ROUND_MS / steps))
  }
}
