import type { Clock } from '../core/ports/clock.js'

/** Lets through so many a second of each kind, and counts what it held back. */
export class LineLimit {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #kinds = new Map<string, { second: number; passed: number; suppressed: number }>()

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
  }

  /** Undefined: held back. Else how many of this kind were held back since the last one that passed. */
  pass(kind: string): number | undefined {
    const second = Math.floor(this.#clock.coarseNow() / 1000)
    let state = this.#kinds.get(kind)
    if (state === undefined) {
      state = { second, passed: 0, suppressed: 0 }
      this.#kinds.set(kind, state)
    }
    if (state.second !== second) {
      state.second = second
      state.passed = 0
    }
    if (state.passed >= this.#perSecond) {
      state.suppressed++
      return undefined
    }
    state.passed++
    const { suppressed } = state
    state.suppressed = 0
    return suppressed
  }
}
