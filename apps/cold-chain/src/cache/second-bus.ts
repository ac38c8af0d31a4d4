import { type Cache, definePolicy } from 'freshtier'
import type { SocketServer } from '../realtime/socket-server.js'

export interface SecondBusOptions {
  readonly cache: Cache
  readonly sockets: Pick<SocketServer, 'tellInstances' | 'onInstance'>
  readonly failed: (what: string, error: unknown) => void
}

const EVENT = 'invalidated'
/** Nothing is ever kept under it. */
const nothing = definePolicy<never>({ name: 'second-bus', ttl: '1s' })

/**
 * Tells the other instances over Socket.IO that there was an invalidation, beside the cache's own pub/sub (S2-43).
 *
 * It carries the receipt and not the tags: who hears it reads the log up to there. So a message that is lost costs
 * nothing but speed, one that comes twice or late changes nothing, and a forged one can only make an instance look.
 */
export class SecondBus {
  readonly #options: SecondBusOptions
  readonly #catchingUp = new Set<Promise<unknown>>()

  constructor(options: SecondBusOptions) {
    this.#options = options
    options.sockets.onInstance(EVENT, (organisationId, receipt) => this.hear(organisationId, receipt))
  }

  tell(organisationId: string, receipt: string): void {
    this.#options.sockets.tellInstances(EVENT, organisationId, receipt)
  }

  hear(organisationId: unknown, receipt: unknown): void {
    const caughtUp = this.#catchUp(String(organisationId), String(receipt))
      .catch((error) => this.#options.failed('following the second bus', error))
      .finally(() => this.#catchingUp.delete(caughtUp))
    this.#catchingUp.add(caughtUp)
  }

  /** Resolves when everything that was heard is followed. */
  async settle(): Promise<void> {
    await Promise.all(this.#catchingUp)
  }

  async #catchUp(organisationId: string, receipt: string): Promise<void> {
    await this.#options.cache.tenant(organisationId).get(nothing, 'nothing', { after: receipt })
  }
}
