import type { IoredisClient } from './redis-client.js'

/**
 * The first connection of a client of ioredis with `lazyConnect` that keeps no queue: it connects with its first command,
 * and refuses what comes before it is connected, that command too. So it is asked to connect, and commands wait for it.
 */
export class FirstConnection {
  readonly #client: Pick<IoredisClient, 'status' | 'options' | 'connect'>
  #opening: Promise<unknown> | undefined

  constructor(client: Pick<IoredisClient, 'status' | 'options' | 'connect'>) {
    this.#client = client
  }

  get isOpening(): boolean {
    return this.#opening !== undefined
  }

  /** Undefined if a command can be sent now. */
  opened(): Promise<unknown> | undefined {
    if (this.#opening !== undefined || this.#client.status !== 'wait') return this.#opening
    const { options, connect } = this.#client
    if (options?.enableOfflineQueue !== false || connect === undefined) return undefined
    this.#opening = connect.call(this.#client).finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }
}
