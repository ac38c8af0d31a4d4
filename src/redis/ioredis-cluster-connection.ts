import type {
  RedisCommand,
  RedisConnection,
  RedisNodes,
  RedisSubscription,
} from '../redis-protocol/redis-connection.js'
import { isConnected } from './ioredis-connection.js'
import { SUBSCRIBER_OPTIONS, subscribeWith } from './ioredis-subscription.js'
import { isRedirected } from './redirected.js'
import type { IoredisCluster, IoredisNode } from './redis-client.js'

/** The `Cluster` of ioredis 5 and 6. It follows MOVED and ASK, and reads and writes on primaries. */
export class IoredisClusterConnection implements RedisConnection, RedisNodes {
  readonly keepsOrder = false
  readonly nodes = this
  readonly #cluster: IoredisCluster

  constructor(cluster: IoredisCluster) {
    this.#cluster = cluster
  }

  /** A disconnecting cluster is one that is closed, or about to begin anew. */
  get isUp(): boolean {
    const { status } = this.#cluster
    return isConnected(status) && status !== 'disconnecting'
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

  send([name, ...args]: RedisCommand): Promise<unknown> {
    return this.#cluster.call(name, ...args)
  }

  async sendTo(name: string, [command, ...args]: RedisCommand): Promise<unknown> {
    return (this.#find(name) ?? this.#cluster).call(command, ...args)
  }

  /** A pipeline is one write to one node, which refuses what has moved away: that is sent again by itself. */
  async sendTogether(name: string, commands: readonly RedisCommand[]): Promise<readonly unknown[]> {
    const node = this.#find(name)
    if (node === undefined) return commands.map((command) => this.send(command))
    const answers = await node.pipeline(commands.map(([name, ...args]) => ['call', name, ...args])).exec()
    return commands.map((command, index) => {
      const [error, reply] = answers?.[index] ?? [NO_ANSWER]
      if (error === null) return reply
      return isRedirected(error) ? this.send(command) : error
    })
  }

  /** Plain channels: every node of a Cluster hears what is published on any of them, from 6.2 on. */
  subscribe(channels: readonly string[], onMessage: (channel: string, message: string) => void): RedisSubscription {
    const subscriber = this.#cluster.duplicate([], { redisOptions: SUBSCRIBER_OPTIONS, lazyConnect: false })
    return subscribeWith(subscriber, channels, onMessage)
  }

  #find(name: string): IoredisNode | undefined {
    return this.#cluster.nodes('master').find((node) => nameOf(node) === name)
  }
}

const NO_ANSWER = new Error('The client answered fewer commands than it was given.')

function nameOf({ options: { host, port } }: IoredisNode): string {
  return `${host}:${port}`
}
