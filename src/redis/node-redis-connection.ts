import type { RedisCommand, RedisConnection, RedisSubscription } from '../redis-protocol/redis-connection.js'
import { atEndOfTurn } from '../redis-protocol/turn-clock.js'
import { RECONNECT, subscribeWith } from './node-redis-subscription.js'
import type { NodeRedisClient, NodeRedisCommandOptions, NodeRedisSentinel } from './redis-client.js'

/** The tier has its own deadlines, so that the client need not keep a timer for each command. */
export const COMMAND_OPTIONS: NodeRedisCommandOptions = Object.freeze({
  timeout: undefined,
  typeMapping: Object.freeze({}),
})

/** node-redis 6 with one server. It writes what one turn sends at the end of the turn. */
export class NodeRedisConnection implements RedisConnection {
  readonly keepsOrder = true
  readonly refusesBroken = true
  readonly #client: NodeRedisClient

  constructor(client: NodeRedisClient) {
    this.#client = client
  }

  get isUp(): boolean {
    return this.#client.isReady
  }

  send(command: RedisCommand): Promise<unknown> {
    return this.#client.sendCommand(command, COMMAND_OPTIONS)
  }

  /** The client writes before: it asked for the end of the turn first. */
  onceWritten(run: () => void): void {
    atEndOfTurn(run)
  }

  subscribe(channels: readonly string[], onMessage: (channel: string, message: string) => void): RedisSubscription {
    const socket = { ...this.#client.options?.socket, ...RECONNECT }
    return subscribeWith(this.#client.duplicate({ socket, disableOfflineQueue: false }), channels, onMessage)
  }
}

/** node-redis 6 with the present primary behind Sentinel, over one of its pool of connections: in no certain order. */
export class NodeRedisSentinelConnection implements RedisConnection {
  readonly keepsOrder = false
  readonly refusesBroken = true
  readonly #client: NodeRedisSentinel

  constructor(client: NodeRedisSentinel) {
    this.#client = client
  }

  get isUp(): boolean {
    return this.#client.isReady
  }

  send(command: RedisCommand): Promise<unknown> {
    return this.#client.sendCommand(false, [...command], COMMAND_OPTIONS)
  }

  subscribe(channels: readonly string[], onMessage: (channel: string, message: string) => void): RedisSubscription {
    return subscribeWith(this.#client.duplicate(), channels, onMessage)
  }
}
