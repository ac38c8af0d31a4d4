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
   * @throws CacheError `BULKHEAD_FULL`; the signal's reason if it aborts while waiting.
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#running >= this.#maxFills) await this.#turn(signal)
    else this.#running++
    return () => this.#leave()
  }

  async #turn(signal: AbortSignal): Promise<void> {
    if (this.#queue.length >= this.#maxQueued) {
      throw new CacheError(
        'BULKHEAD_FULL',
        `Policy '${this.#policy}' has ${this.#running} fills running and ${this.#queue.length} waiting, its limit. ` +
          'Raise bulkhead.maxFills or maxQueued, or find out why fills are slow.',
      )
    }
    await new Promise<void>((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', leaveQueue)
        resolve()
      }
      const leaveQueue = (): void => {
        this.#queue.splice(this.#queue.indexOf(go), 1)
        reject(signal.reason)
      }
      this.#queue.push(go)
      signal.addEventListener('abort', leaveQueue, { once: true })
    })
  }

  /** The place goes to the next in the queue, if there is one. */
  #leave(): void {
    const next = this.#queue.shift()
    if (next) next()
    else this.#running--
  }
}
