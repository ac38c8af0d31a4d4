/**
 * Lets one piece of work at a time use a connection, in the order of asking. Both the wait and the queue have a limit:
 * a database that stands still must not collect work without end.
 */
export class Turns {
  readonly #maxWaiting: number
  readonly #waiting: Waiter[] = []
  #busy = false

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting
  }

  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#take(signal)
    try {
      return await work()
    } finally {
      this.#give()
    }
  }

  #take(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (!this.#busy) {
      this.#busy = true
      return Promise.resolve()
    }
    if (this.#waiting.length >= this.#maxWaiting) {
      return Promise.reject(new Error(`The database is busy: ${this.#maxWaiting} statements are waiting already.`))
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { start: resolve }
      if (signal) {
        const leave = (): void => {
          this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
          reject(signal.reason)
        }
        signal.addEventListener('abort', leave, { once: true })
        waiter.start = () => {
          signal.removeEventListener('abort', leave)
          resolve()
        }
      }
      this.#waiting.push(waiter)
    })
  }

  #give(): void {
    const next = this.#waiting.shift()
    if (next) next.start()
    else this.#busy = false
  }
}

interface Waiter {
  start: () => void
}
