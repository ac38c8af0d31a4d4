import type { RedisCommand, RedisConnection, RedisSubscription } from '../redis-protocol/redis-connection.js'
import { atEndOfTick } from '../redis-protocol/turn-clock.js'
import { SUBSCRIBER_OPTIONS, subscribeWith } from './ioredis-subscription.js'
import { inOneWrite } from './one-write.js'
import type { IoredisClient } from './redis-client.js'

/** ioredis 5 and 6 with one server, or with the present primary behind Sentinel. */
export class IoredisConnection implements RedisConnection {
  readonly keepsOrder = true
  readonly #client: IoredisClient

  constructor(client: IoredisClient) {
    this.#client = client
  }

  get isUp(): boolean {
    return isConnected(this.#client.status)
  }

  send([name, ...args]: RedisCommand): Promise<unknown> {
    inOneWrite(this.#client.stream)
    return this.#client.call(name, ...args)
  }

  /** `inOneWrite` writes before: it asked for the next tick first. */
  onceWritten(run: () => void): void {
    atEndOfTick(run)
  }

  subscribe(channels: readonly string[], onMessage: (channel: string, message: string) => void): RedisSubscription {
    return subscribeWith(this.#client.duplicate(SUBSCRIBER_OPTIONS), channels, onMessage)
  }
}

/** False while a command could only wait for a connection to come back. The first command makes the first one. */
export function isConnected(status: string): boolean {
  return status !== 'reconnecting' && status !== 'close' && status !== 'end'
}
