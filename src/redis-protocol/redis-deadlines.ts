import { CacheError } from '../core/errors.js'
import type { CancelTimer, Clock } from '../core/ports/clock.js'

/** A timer so late means that this process was busy: the answers may lie unread in the socket. */
const LATE_MS = 20

interface Waiting {
  readonly dueAt: number
  /** Undefined once settled. */
  reject: ((error: Error) => void) | undefined
}

/**
 * Deadlines of many calls by one timer. All have the same length, so they fall due in the order in which they began:
 * a queue with a timer for its head, which is set again only when it fires, costs a call one push and no timer.
 */
export class RedisDeadlines {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #tier: string
  #queue: Waiting[] = []
  #head = 0
  #cancelTimer: CancelTimer | undefined
  #firesAt = 0

  constructor(clock: Clock, timeoutMs: number, tier: string) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#tier = tier
  }

  /** Settles as `answer` does, or rejects at the deadline; an answer that comes later is ignored. */
  race<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { dueAt: this.#clock.now() + this.#timeoutMs, reject }
      this.#queue.push(waiting)
      this.#cancelTimer ??= this.#arm(this.#timeoutMs)
      answer.then(
        (value) => {
          waiting.reject = undefined
          resolve(value)
        },
        (error: unknown) => {
          waiting.reject = undefined
          reject(error)
        },
      )
    })
  }

  /** Rejects whatever still waits. */
  close(error: Error): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    for (const waiting of this.#queue) waiting.reject?.(error)
    this.#queue = []
    this.#head = 0
  }

  #arm(delayMs: number): CancelTimer {
    this.#firesAt = this.#clock.now() + delayMs
    return this.#clock.setHousekeepingTimer(() => this.#expire(), delayMs)
  }

  #expire(): void {
    const now = this.#clock.now()
    if (now - this.#firesAt > LATE_MS) {
      // One turn for the sockets, so that nobody is blamed for what this process did not read.
      this.#cancelTimer = this.#arm(1)
      return
    }
    let next = this.#queue[this.#head]
    while (next && (next.reject === undefined || next.dueAt <= now)) {
      next.reject?.(this.#timeout())
      next = this.#queue[++this.#head]
    }
    this.#queue.splice(0, this.#head)
    this.#head = 0
    this.#cancelTimer = next && this.#arm(next.dueAt - now)
  }

  #timeout(): CacheError {
    return new CacheError(
      'SHARED_TIER_TIMEOUT',
      `Shared tier '${this.#tier}' did not answer within ${this.#timeoutMs} ms. Look at the load of the server and at the ` +
        'network, or raise commandTimeout.',
    )
  }
}
