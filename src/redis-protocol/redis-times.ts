import type { Clock } from '../core/ports/clock.js'
import type { RedisGuard } from './redis-guard.js'
import { timeReply } from './redis-replies.js'

/** How long an answer counts, from its question on. */
const COUNTS_MS = 10
/** No cache has so many servers: who asks more of them begins anew. */
const MAX_NODES = 1_000

/**
 * What the servers' clocks show, without a question in every batch. What has passed here since a server was asked is
 * added to its answer; it was asked before it answered, so the sum is not behind its clock, and no entry looks younger
 * than it is. It may look older, by less than `COUNTS_MS`.
 */
export class RedisTimes {
  readonly #guard: RedisGuard
  readonly #clock: Clock
  readonly #known = new Map<string, { readonly askedAt: number; readonly answeredMs: number }>()

  constructor(guard: RedisGuard, clock: Clock) {
    this.#guard = guard
    this.#clock = clock
  }

  /** The time of a server as of now, if that was asked a moment ago. */
  known(node: string): number | undefined {
    const known = this.#known.get(node)
    if (known === undefined) return undefined
    const passedMs = this.#clock.now() - known.askedAt
    return passedMs < COUNTS_MS ? known.answeredMs + passedMs : undefined
  }

  async ask(node: string): Promise<number> {
    const askedAt = this.#clock.now()
    const answeredMs = timeReply(await this.#guard.sendTo(node, ['TIME']))
    if (this.#known.size >= MAX_NODES) this.#known.clear()
    this.#known.set(node, { askedAt, answeredMs })
    return answeredMs
  }
}
