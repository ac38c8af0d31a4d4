import type {
  RedisCommand,
  RedisConnection,
  RedisNodes,
  RedisSubscription,
} from '../redis-protocol/redis-connection.js'
import { keyOf } from '../redis-protocol/redis-connection.js'
import { atEndOfTurn } from '../redis-protocol/turn-clock.js'
import { nodeAnswers } from './node-answers.js'
import { COMMAND_OPTIONS } from './node-redis-connection.js'
import { subscribeWith } from './node-redis-subscription.js'
import type { NodeRedisCluster, NodeRedisPrimary } from './redis-client.js'

/** node-redis 6 with a Cluster. It follows MOVED and ASK; a `false` keeps reads on primaries. */
export class NodeRedisClusterConnection implements RedisConnection, RedisNodes {
  readonly keepsOrder = false
  readonly refusesBroken = true
  readonly nodes = this
  readonly #cluster: NodeRedisCluster

  constructor(cluster: NodeRedisCluster) {
    this.#cluster = cluster
  }

  get isUp(): boolean {
    return this.#cluster.isReady
  }

  names(): readonly string[] {
    return this.#cluster.masters.map(({ address }) => address)
  }

  ofSlot(slot: number): string | undefined {
    return this.#cluster.slots[slot]?.master.address
  }

  /** One that the client has no connection to yet counts as up: the first command makes it. */
  isUpNode(name: string): boolean {
    return this.#find(name)?.client?.isReady ?? true
  }

  send(command: RedisCommand): Promise<unknown> {
    const key = keyOf(command)
    return this.#cluster.sendCommand(key === '' ? undefined : key, false, [...command], COMMAND_OPTIONS)
  }

  sendTo(name: string, command: RedisCommand): Promise<unknown> {
    const client = this.#find(name)?.client
    return client ? client.sendCommand(command, COMMAND_OPTIONS) : this.send(command)
  }

  /** The client writes together what one turn sends. */
  async sendTogether(name: string, commands: readonly RedisCommand[]): Promise<readonly unknown[]> {
    const client = this.#find(name)?.client
    const elsewhere = (command: RedisCommand): Promise<unknown> => this.send(command)
    if (client === undefined) return commands.map(elsewhere)
    return nodeAnswers(commands, { here: (command) => client.sendCommand(command, COMMAND_OPTIONS), elsewhere })
  }

  /** The client writes before: it asked for the end of the turn first. */
  onceWritten(run: () => void): void {
    atEndOfTurn(run)
  }

  subscribe(channels: readonly string[], onMessage: (channel: string, message: string) => void): RedisSubscription {
    return subscribeWith(this.#cluster.duplicate(), channels, onMessage)
  }

  #find(name: string): NodeRedisPrimary | undefined {
    return this.#cluster.masters.find(({ address }) => address === name)
  }
}
