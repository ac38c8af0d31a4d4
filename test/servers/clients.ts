import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster, createSentinel } from 'redis'
import type { RedisClient } from '../../src/redis/index.js'
import { IOREDIS } from './ioredis-versions.ts'
import type { RedisCluster } from './redis-cluster.ts'
import type { SentinelGroup } from './redis-sentinel.ts'

/** A client as an application has one, connected. */
export interface OpenClient {
  readonly client: RedisClient
  close(): Promise<void>
}

/** Clients of one server, by the name of their library. */
export const SINGLE: Readonly<Record<string, (port: number) => Promise<OpenClient>>> = {
  ...Object.fromEntries(
    Object.entries(IOREDIS).map(([name, connect]) => [
      name,
      async (port: number) => {
        const client = connect(port)
        client.on('error', () => {})
        return { client, close: async () => client.disconnect() }
      },
    ]),
  ),
  'node-redis 6': async (port) => {
    const client = createClient({ socket: { host: '127.0.0.1', port } })
    client.on('error', () => {})
    // Where nobody listens it goes on trying, as an application's client does.
    await new Promise((resolve) => {
      client.once('ready', resolve)
      client.once('error', resolve)
      client.connect().catch(() => {})
    })
    return { client, close: async () => client.destroy() }
  },
}

export const CLUSTER: Readonly<Record<string, (cluster: RedisCluster) => Promise<OpenClient>>> = {
  'ioredis 6': async ({ rootNodes }) => {
    const client = new Cluster([...rootNodes], { redisOptions: { disconnectTimeout: 0 } })
    client.on('error', () => {})
    await client.ping()
    return { client, close: async () => client.disconnect() }
  },
  'node-redis 6': async ({ rootNodes }) => {
    const client = createCluster({ rootNodes: rootNodes.map((socket) => ({ socket })) })
    client.on('error', () => {})
    await client.connect()
    return { client, close: async () => client.destroy() }
  },
}

export const SENTINEL: Readonly<Record<string, (group: SentinelGroup) => Promise<OpenClient>>> = {
  'ioredis 6': async ({ name, sentinels }) => {
    const client = new Redis({ name, sentinels: [...sentinels], disconnectTimeout: 0 })
    client.on('error', () => {})
    await client.ping()
    return { client, close: async () => client.disconnect() }
  },
  'node-redis 6': async ({ name, sentinels }) => {
    const client = createSentinel({ name, sentinelRootNodes: [...sentinels] })
    client.on('error', () => {})
    await client.connect()
    return { client, close: async () => void (await client.destroy()) }
  },
}
