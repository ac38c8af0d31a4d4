import { InvalidOptionError } from '../core/errors.js'
import { checkFields } from '../core/options.js'
import type { CancelTimer, Clock } from '../core/ports/clock.js'
import { type Duration, parseCount, parsePositiveDuration } from '../core/quantity.js'

export interface BreakerOptions {
  /** So many failures within `window` open it. Default 1: silence for a whole command timeout says enough. */
  readonly failures?: number | undefined
  /** So many probes in a row must succeed before it closes. Default 1. */
  readonly successes?: number | undefined
  /** How long it stays open before each probe. Default '500ms'. */
  readonly openTime?: Duration | undefined
  /** Failures older than this do not count. Default '10s'. */
  readonly window?: Duration | undefined
}

export interface BreakerSettings {
  readonly failures: number
  readonly successes: number
  readonly openMs: number
  readonly windowMs: number
}

const MAX_COUNT = 1_000

export function checkBreakerOptions(options: BreakerOptions, field: string): BreakerSettings {
  checkFields(options, ['failures', 'successes', 'openTime', 'window'], field)
  return Object.freeze({
    failures: checkCount(options.failures ?? 1, `${field}.failures`),
    successes: checkCount(options.successes ?? 1, `${field}.successes`),
    openMs: parsePositiveDuration(options.openTime ?? '500ms', `${field}.openTime`),
    windowMs: parsePositiveDuration(options.window ?? '10s', `${field}.window`),
  })
}

function checkCount(value: number, field: string): number {
  const count = parseCount(value, field)
  if (count <= MAX_COUNT) return count
  throw new InvalidOptionError({ field, value, rule: `must be at most ${MAX_COUNT}` })
}

export type BreakerState = 'closed' | 'open' | 'probing'

/**
 * Keeps callers away from a server that does not answer. No caller ever is the one who finds out whether it is back:
 * the breaker asks by itself, one probe at a time.
 *
 * ```
 * closed ── `failures` failures within `window` ──► open ── after `openTime` ──► probing
 *    ▲                                               ▲                              │
 *    └──────── `successes` probes succeeded ─────────┼──────────────────────────────┤
 *                                                    └──────── a probe failed ──────┘
 * ```
 *
 * Only while it is closed does the outcome of calls count.
 */
export class Breaker {
  readonly #clock: Clock
  readonly #settings: BreakerSettings
  readonly #probe: () => Promise<unknown>
  #state: BreakerState = 'closed'
  /** When the last failures were, oldest first; at most `failures`. */
  #failedAt: number[] = []
  #succeeded = 0
  #cancelTimer: CancelTimer | undefined
  #isOver = false

  /** `probe` must settle. */
  constructor(clock: Clock, settings: BreakerSettings, probe: () => Promise<unknown>) {
    this.#clock = clock
    this.#settings = settings
    this.#probe = probe
  }

  get state(): BreakerState {
    return this.#state
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  fail(): void {
    if (this.#state !== 'closed' || this.#isOver) return
    const now = this.#clock.now()
    this.#failedAt = this.#failedAt.filter((at) => now - at <= this.#settings.windowMs)
    this.#failedAt.push(now)
    if (this.#failedAt.length >= this.#settings.failures) this.#open()
  }

  /** Ends it for good: no timer is left, no probe follows. */
  close(): void {
    this.#isOver = true
    this.#cancelTimer?.()
  }

  #open(): void {
    this.#state = 'open'
    this.#failedAt = []
    this.#succeeded = 0
    if (this.#isOver) return
    this.#cancelTimer = this.#clock.setHousekeepingTimer(() => void this.#ask(), this.#settings.openMs)
  }

  async #ask(): Promise<void> {
    this.#state = 'probing'
    try {
      while (this.#succeeded < this.#settings.successes) {
        await this.#probe()
        this.#succeeded++
      }
      this.#state = 'closed'
    } catch {
      this.#open()
    }
  }
}
