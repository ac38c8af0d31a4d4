import type { CancelTimer, Clock } from '../../src/core/ports/clock.js'
import type { FakeClock } from '../../src/testing/index.js'

/** The clock of one process of several on one time line: it can be frozen (SIGSTOP), and its wall clock can jump. */
export class ProcessClock implements Clock {
  readonly #time: FakeClock
  wallOffsetMs = 0
  /** What fell due while the process was frozen. */
  #pending: (() => void)[] | undefined

  constructor(time: FakeClock) {
    this.#time = time
  }

  now = (): number => this.#time.now()
  coarseNow = (): number => this.#time.now()
  wallNow = (): number => this.#time.wallNow() + this.wallOffsetMs

  setTimer = (run: () => void, delayMs: number): CancelTimer => {
    let isCancelled = false
    const cancel = this.#time.setTimer(() => {
      this.whenRunning(() => {
        if (!isCancelled) run()
      })
    }, delayMs)
    return () => {
      isCancelled = true
      cancel()
    }
  }

  setHousekeepingTimer = this.setTimer

  get isFrozen(): boolean {
    return this.#pending !== undefined
  }

  /** At once, or when the process goes on. */
  whenRunning(run: () => void): void {
    if (this.#pending) this.#pending.push(run)
    else run()
  }

  freeze(): void {
    this.#pending ??= []
  }

  thaw(): void {
    const pending = this.#pending ?? []
    this.#pending = undefined
    for (const run of pending) run()
  }
}
