import type { CorkableStream } from './one-write.js'

/**
 * A client that the tier takes: ioredis 5 or 6 (one server, Sentinel, Cluster) or node-redis 6 (client, Sentinel,
 * cluster). Only the part that the tier calls is described. It stays the user's: never reconfigured, never closed.
 */
export type RedisClient = IoredisClient | IoredisCluster | NodeRedisClient | NodeRedisCluster | NodeRedisSentinel

/** Options of a client that the tier looks at. */
export interface IoredisClientOptions {
  readonly keyPrefix?: string | undefined
  readonly role?: string | undefined
  readonly enableOfflineQueue?: boolean | undefined
}

/** An ioredis client of one server, or of the primary behind Sentinel. */
export interface IoredisClient {
  /** 'wait', 'connecting', 'connect', 'ready', 'close', 'reconnecting' or 'end'. */
  readonly status: string
  readonly isCluster?: boolean | undefined
  readonly options?: IoredisClientOptions | undefined
  /** Missing until it is connected. */
  readonly stream?: CorkableStream | undefined
  /** Called for a client that waits for its first command and keeps no queue. */
  connect?(): Promise<unknown>
  call(command: string, args: string[]): Promise<unknown>
  duplicate(override?: IoredisSubscriberOptions): IoredisSubscriber
}

/** An ioredis `Cluster`. */
export interface IoredisCluster {
  readonly status: string
  readonly isCluster: boolean
  readonly options?: IoredisClientOptions | undefined
  /** Which nodes serve each slot, `host:port`, the primary first. */
  readonly slots: readonly (readonly string[])[]
  /** As that of a client. */
  connect?(): Promise<unknown>
  call(command: string, args: string[]): Promise<unknown>
  nodes(role: 'master'): readonly IoredisNode[]
  duplicate(
    startupNodes: [],
    override: { redisOptions: IoredisSubscriberOptions; lazyConnect: false; enableOfflineQueue: true },
  ): IoredisSubscriber
}

export interface IoredisNode {
  readonly status: string
  readonly options: { readonly host?: string | undefined; readonly port?: number | undefined }
  /** Missing until the node is connected to. */
  readonly stream?: CorkableStream | undefined
  call(command: string, args: string[]): Promise<unknown>
}

/** What of the user's options must differ on a connection that only listens. */
export interface IoredisSubscriberOptions {
  readonly lazyConnect: false
  readonly enableOfflineQueue: true
  readonly autoResubscribe: true
  readonly maxRetriesPerRequest: null
  readonly commandTimeout: undefined
  readonly disconnectTimeout: number
}

/** The part of a client's duplicate that the tier calls: its own, closed by itself. */
export interface IoredisSubscriber {
  readonly status: string
  subscribe(...channels: string[]): Promise<unknown>
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  on(event: 'error' | 'end', listener: (error?: unknown) => void): unknown
  disconnect(): void
}

/** How a single command of node-redis differs from the user's settings: no timer of its own, texts as texts. */
export interface NodeRedisCommandOptions {
  readonly timeout: undefined
  readonly typeMapping: Record<never, never>
}

/** A client made by node-redis' `createClient`. */
export interface NodeRedisClient {
  readonly isReady: boolean
  readonly options?: { readonly socket?: object | undefined } | undefined
  sendCommand(args: readonly string[], options?: NodeRedisCommandOptions): Promise<unknown>
  duplicate(overrides?: object): NodeRedisSubscriber
}

/** A client made by node-redis' `createCluster`. */
export interface NodeRedisCluster {
  readonly isReady: boolean
  readonly slots: readonly ({ readonly master: NodeRedisPrimary } | undefined)[]
  readonly masters: readonly NodeRedisPrimary[]
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
    options?: NodeRedisCommandOptions,
  ): Promise<unknown>
  duplicate(overrides?: object): NodeRedisSubscriber
}

/** `client` is missing until the first command to that node. */
export interface NodeRedisPrimary {
  readonly address: string
  readonly client?: Pick<NodeRedisClient, 'isReady' | 'sendCommand'> | undefined
}

/** A client made by node-redis' `createSentinel`. */
export interface NodeRedisSentinel {
  readonly isReady: boolean
  sendCommand(isReadonly: boolean | undefined, args: string[], options?: NodeRedisCommandOptions): Promise<unknown>
  duplicate(overrides?: object): NodeRedisSubscriber
  getSentinelNode(): unknown
}

export interface NodeRedisSubscriber {
  on(event: 'error', listener: (error: unknown) => void): unknown
  connect(): Promise<unknown>
  subscribe(channels: string[], listener: (message: string, channel: string) => void): Promise<unknown>
  /** A cluster that never connected has nothing to destroy and says so. */
  destroy(): unknown
}
