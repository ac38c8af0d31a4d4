import type { Clock } from '../core/ports/clock.js'

export interface BreakerRules {
  /** Failures within the window that open it. */
  readonly failureThreshold: number
  /** Successes in a row that close it again. */
  readonly successThreshold: number
  /** How long it stays open before one call may try. */
  readonly timeoutMs: number
  readonly windowMs: number
}

export type BreakerState = 'closed' | 'open' | 'half-open'

/**
 * ```
 *             failureThreshold failures within windowMs
 *   closed ───────────────────────────────────────────────► open ◄──────────┐
 *      ▲                                                      │ timeoutMs    │ a failure
 *      └──────────── successThreshold successes ◄── half-open ◄┘─────────────┘
 *                                                   one call at a time
 * ```
 */
export class Breaker {
  readonly #rules: BreakerRules
  readonly #clock: Clock
  readonly #onChange: (state: BreakerState) => void
  #state: BreakerState = 'closed'
  #failures: number[] = []
  #successes = 0
  #openedAt = 0
  #isProbing = false
  #probedAt = 0

  constructor(rules: BreakerRules, clock: Clock, onChange: (state: BreakerState) => void) {
    this.#rules = rules
    this.#clock = clock
    this.#onChange = onChange
  }

  get state(): BreakerState {
    return this.#state
  }

  /** True if a call may go through; it must then say how it went. */
  admit(): boolean {
    if (this.#state === 'closed') return true
    if (this.#state === 'open') {
      if (this.#clock.now() - this.#openedAt < this.#rules.timeoutMs) return false
      this.#successes = 0
      this.#isProbing = false
      this.#enter('half-open')
    }
    // One that never said how it went, because it was overtaken, keeps out the next one for a while only.
    if (this.#isProbing && this.#clock.now() - this.#probedAt < this.#rules.timeoutMs) return false
    this.#isProbing = true
    this.#probedAt = this.#clock.now()
    return true
  }

  succeeded(): void {
    if (this.#state !== 'half-open') return
    this.#isProbing = false
    if (++this.#successes < this.#rules.successThreshold) return
    this.#failures = []
    this.#enter('closed')
  }

  failed(): void {
    const now = this.#clock.now()
    if (this.#state === 'open') return
    this.#isProbing = false
    this.#failures = this.#failures.filter((at) => now - at < this.#rules.windowMs).slice(-this.#rules.failureThreshold)
    this.#failures.push(now)
    if (this.#state === 'closed' && this.#failures.length < this.#rules.failureThreshold) return
    this.#openedAt = now
    this.#enter('open')
  }

  #enter(state: BreakerState): void {
    this.#state = state
    this.#onChange(state)
  }
}
