import { Cluster, type Redis } from 'ioredis'
import { until } from '../kit/until.ts'
import { freePort } from './free-port.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'

const NODES = 3
const SLOTS = 16_384

/** A real Redis Cluster of three primaries on free ports of 127.0.0.1, without replicas. */
export interface RedisCluster {
  readonly servers: readonly RedisServer[]
  readonly rootNodes: readonly { readonly host: string; readonly port: number }[]
  /** The id by which the nodes know each other, in the order of `servers`. */
  readonly ids: readonly string[]
  /** Index of the server that serves a slot at the start. */
  ownerOf(slot: number): number
  /** Empties all nodes. */
  flush(): Promise<void>
  /** Asks each node the same. */
  everywhere<T>(ask: (node: Redis) => Promise<T>): Promise<T[]>
  /** An ioredis client that `stop` closes. */
  client(): Cluster
  stop(): Promise<void>
}

export async function startRedisCluster(): Promise<RedisCluster> {
  const servers = await Promise.all(Array.from({ length: NODES }, startNode))
  const nodes = servers.map((server) => server.client())
  const [first] = nodes as [Redis, ...Redis[]]
  for (const [index, node] of nodes.entries()) {
    await node.call('CLUSTER', 'ADDSLOTSRANGE', String(firstSlot(index)), String(firstSlot(index + 1) - 1))
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
  }
  for (const { port } of servers.slice(1))
    await first.call('CLUSTER', 'MEET', '127.0.0.1', String(port), String(await busPort(servers, port)))
  await until(async () => (await Promise.all(nodes.map(isReady))).every(Boolean), {
    what: 'the cluster',
    withinMs: 60_000,
  })
  const ids = await Promise.all(nodes.map(async (node) => String(await node.call('CLUSTER', 'MYID'))))
  const rootNodes = servers.map(({ port }) => ({ host: '127.0.0.1', port }))
  const clients: Cluster[] = []
  return {
    servers,
    rootNodes,
    ids,
    ownerOf: (slot) => Math.min(NODES - 1, Math.floor(slot / (SLOTS / NODES))),
    async flush() {
      await Promise.all(nodes.map((node) => node.flushall()))
    },
    everywhere: (ask) => Promise.all(nodes.map(ask)),
    client() {
      const client = new Cluster([...rootNodes])
      client.on('error', () => {})
      clients.push(client)
      return client
    },
    async stop() {
      for (const client of clients) client.disconnect()
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

/** The bus has a port of its own; the usual one, 10,000 higher, may lie above all ports. */
async function startNode(): Promise<RedisServer> {
  const bus = await freePort()
  return startRedisServer({
    args: ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-node-timeout', '5000'],
  })
}

async function busPort(servers: readonly RedisServer[], port: number): Promise<number> {
  const node = servers.find((server) => server.port === port)!.client()
  const [, value] = (await node.config('GET', 'cluster-port')) as [string, string]
  return Number(value)
}

async function isReady(node: Redis): Promise<boolean> {
  const info = String(await node.call('CLUSTER', 'INFO'))
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${NODES}`)
}

function firstSlot(index: number): number {
  return Math.ceil((index * SLOTS) / NODES)
}
