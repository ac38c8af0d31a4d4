import type { Abort } from './abort.js'
import { CacheError } from './errors.js'

/** Bounds the fills of one policy in this process: so many at once, so many waiting, the next one is refused. */
export class Bulkhead {
  readonly #policy: string
  readonly #maxFills: number
  readonly #maxQueued: number
  readonly #queue: (() => void)[] = []
  #running = 0

  constructor(policy: string, limits: { maxFills: number; maxQueued: number }) {
    this.#policy = policy
    this.#maxFills = limits.maxFills
    this.#maxQueued = limits.maxQueued
  }

  /**
   * Resolves with the function that gives the place back; call it exactly once.
   *
   * @throws CacheError `BULKHEAD_FULL`; the abort's reason if it comes before the turn does.
   */
  async enter(abort: Abort): Promise<() => void> {
    abort.throwIfAborted()
    if (this.#running >= this.#maxFills) await this.#turn(abort)
    else this.#running++
    return () => this.#leave()
  }

  async #turn(abort: Abort): Promise<void> {
    if (this.#queue.length >= this.#maxQueued) {
      throw new CacheError(
        'BULKHEAD_FULL',
        `Policy '${this.#policy}' has ${this.#running} fills running and ${this.#queue.length} waiting, its limit. ` +
          'Raise bulkhead.maxFills or maxQueued, or find out why fills are slow.',
      )
    }
    await new Promise<void>((resolve, reject) => {
      const go = (): void => {
        stay()
        resolve()
      }
      const stay = abort.onAbort(() => {
        this.#queue.splice(this.#queue.indexOf(go), 1)
        reject(abort.reason)
      })
      this.#queue.push(go)
    })
  }

  /** The place goes to the next in the queue, if there is one. */
  #leave(): void {
    const next = this.#queue.shift()
    if (next) next()
    else this.#running--
  }
}
