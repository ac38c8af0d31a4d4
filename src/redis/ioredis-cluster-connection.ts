import type {
  RedisCommand,
  RedisConnection,
  RedisNodes,
  RedisSubscription,
} from '../redis-protocol/redis-connection.js'
import { isConnected } from './ioredis-connection.js'
import { SUBSCRIBER_OPTIONS, subscribeWith } from './ioredis-subscription.js'
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

  /** A pipeline is one write, but gives up where a slot has moved: what it could not do is sent again by itself. */
  sendTogether(_name: string, commands: readonly RedisCommand[]): Promise<unknown>[] {
    if (commands.length === 1) return [this.send(commands[0]!)]
    const answers = this.#cluster.pipeline(commands.map(([name, ...args]) => ['call', name, ...args])).exec()
    return commands.map(async (command, index) => {
      const [error, reply] = (await answers.catch(notPiped))?.[index] ?? notPiped()[0]!
      if (error === null) return reply
      if (/^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN) /.test(error.message) || error === NOT_PIPED) return this.send(command)
      throw error
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

/** The pipeline refused as a whole: the client's idea of the slots changed while it was made. */
const NOT_PIPED = new Error('not sent')

function notPiped(): [Error, undefined][] {
  return [[NOT_PIPED, undefined]]
}

function nameOf({ options: { host, port } }: IoredisNode): string {
  return `${host}:${port}`
}
