import type { RedisCommand, RedisConnection, RedisSubscription } from '../redis-protocol/redis-connection.js'
import { atEndOfTick } from '../redis-protocol/turn-clock.js'
import { FirstConnection } from './first-connection.js'
import { SUBSCRIBER_OPTIONS, subscribeWith } from './ioredis-subscription.js'
import { inOneWrite } from './one-write.js'
import type { IoredisClient } from './redis-client.js'

/** ioredis 5 and 6 with one server, or with the present primary behind Sentinel. */
export class IoredisConnection implements RedisConnection {
  readonly keepsOrder = true
  readonly #client: IoredisClient
  readonly #first: FirstConnection

  constructor(client: IoredisClient) {
    this.#client = client
    this.#first = new FirstConnection(client)
  }

  get isUp(): boolean {
    return this.#first.isOpening || takesCommands(this.#client)
  }

  send(command: RedisCommand): Promise<unknown> {
    return this.#first.opened()?.then(() => this.#call(command)) ?? this.#call(command)
  }

  #call(command: RedisCommand): Promise<unknown> {
    inOneWrite(this.#client.stream)
    return callWith(this.#client, command)
  }

  /** `inOneWrite` writes before: it asked for the next tick first. */
  onceWritten(run: () => void): void {
    atEndOfTick(run)
  }

  subscribe(channels: readonly string[], onMessage: (channel: string, message: string) => void): RedisSubscription {
    return subscribeWith(this.#client.duplicate(SUBSCRIBER_OPTIONS), channels, onMessage)
  }
}

/** The arguments go as one list, which ioredis flattens: spread out, those of a long MGET are copied three times more. */
export function callWith(client: Pick<IoredisClient, 'call'>, command: RedisCommand): Promise<unknown> {
  return client.call(command[0], command.slice(1))
}

/**
 * False while a command could only wait for a connection to come back, or would be refused by a client that keeps no
 * queue while it connects. The first command makes the first connection.
 */
export function takesCommands({ status, options }: Pick<IoredisClient, 'status' | 'options'>): boolean {
  if (options?.enableOfflineQueue === false) return status === 'ready' || status === 'wait'
  return isConnected(status)
}

export function isConnected(status: string): boolean {
  return status !== 'reconnecting' && status !== 'close' && status !== 'end'
}
