import type {
  RedisCommand,
  RedisConnection,
  RedisNodes,
  RedisSubscription,
} from '../redis-protocol/redis-connection.js'
import { atEndOfTick } from '../redis-protocol/turn-clock.js'
import { FirstConnection } from './first-connection.js'
import { callWith, isConnected, takesCommands } from './ioredis-connection.js'
import { SUBSCRIBER_OPTIONS, subscribeWith } from './ioredis-subscription.js'
import { nodeAnswers } from './node-answers.js'
import { inOneWrite } from './one-write.js'
import type { IoredisCluster, IoredisNode } from './redis-client.js'

/** The `Cluster` of ioredis 5 and 6. It follows MOVED and ASK, and reads and writes on primaries. */
export class IoredisClusterConnection implements RedisConnection, RedisNodes {
  readonly keepsOrder = false
  readonly nodes = this
  readonly #cluster: IoredisCluster
  readonly #first: FirstConnection

  constructor(cluster: IoredisCluster) {
    this.#cluster = cluster
    this.#first = new FirstConnection(cluster)
  }

  /** A disconnecting cluster is one that is closed, or about to begin anew. */
  get isUp(): boolean {
    return this.#first.isOpening || (takesCommands(this.#cluster) && this.#cluster.status !== 'disconnecting')
  }

  names(): readonly string[] {
    return this.#cluster.nodes('master').map(nameOf)
  }

  ofSlot(slot: number): string | undefined {
    return this.#cluster.slots[slot]?.[0]
  }

  /** One that the client has no connection to yet counts as up: the first command makes it. */
  isUpNode(name: string): boolean {
    const node = this.#find(name)
    return node === undefined || isConnected(node.status)
  }

  send(command: RedisCommand): Promise<unknown> {
    return this.#first.opened()?.then(() => this.#call(command)) ?? this.#call(command)
  }

  #call(command: RedisCommand): Promise<unknown> {
    return callWith(this.#cluster, command)
  }

  async sendTo(name: string, command: RedisCommand): Promise<unknown> {
    const node = this.#find(name)
    inOneWrite(node?.stream)
    return callWith(node ?? this.#cluster, command)
  }

  async sendTogether(name: string, commands: readonly RedisCommand[]): Promise<readonly unknown[]> {
    const node = this.#find(name)
    const elsewhere = (command: RedisCommand): Promise<unknown> => this.send(command)
    if (node === undefined) return commands.map(elsewhere)
    inOneWrite(node.stream)
    return nodeAnswers(commands, { here: (command) => callWith(node, command), elsewhere })
  }

  /** `inOneWrite` writes before: it asked for the next tick first. */
  onceWritten(run: () => void): void {
    atEndOfTick(run)
  }

  /** Plain channels: every node of a Cluster hears what is published on any of them, from 6.2 on. */
  subscribe(channels: readonly string[], onMessage: (channel: string, message: string) => void): RedisSubscription {
    const subscriber = this.#cluster.duplicate([], {
      redisOptions: SUBSCRIBER_OPTIONS,
      lazyConnect: false,
      enableOfflineQueue: true,
    })
    return subscribeWith(subscriber, channels, onMessage)
  }

  #find(name: string): IoredisNode | undefined {
    return this.#cluster.nodes('master').find((node) => nameOf(node) === name)
  }
}

function nameOf({ options: { host, port } }: IoredisNode): string {
  return `${host}:${port}`
}
