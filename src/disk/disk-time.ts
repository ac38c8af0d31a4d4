import type { Clock } from '../core/ports/clock.js'

/**
 * The time line of a directory: milliseconds since the Unix epoch that never go back, not even when the system's clock
 * is set back or the directory was last used by a machine whose clock was ahead. A clock that jumps ahead makes entries
 * older, never younger.
 */
export class DiskTime {
  readonly #clock: Clock
  #baseMs: number
  #startedAt: number
  #lastSequence = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#baseMs = clock.wallNow()
    this.#startedAt = clock.now()
  }

  /** The newest moment that the directory knows of. */
  continueFrom(sequence: number): void {
    this.#lastSequence = Math.max(this.#lastSequence, sequence)
    this.#baseMs = Math.max(this.nowMs(), sequence / 1000)
    this.#startedAt = this.#clock.now()
  }

  nowMs(): number {
    return Math.max(
      this.#baseMs + this.#clock.now() - this.#startedAt,
      this.#clock.wallNow(),
      this.#lastSequence / 1000,
    )
  }

  nextSequence(): number {
    this.#lastSequence = Math.max(this.#lastSequence + 1, Math.floor(this.nowMs() * 1000))
    return this.#lastSequence
  }
}
