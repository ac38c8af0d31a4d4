/**
 * The part of an ioredis client (5 or 6, single server or Sentinel) that the tier calls. It stays the user's: never
 * reconfigured, never closed.
 */
export interface RedisClient {
  /** 'wait', 'connecting', 'connect', 'ready', 'close', 'reconnecting' or 'end'. */
  readonly status: string
  readonly isCluster?: boolean | undefined
  readonly options?: { readonly keyPrefix?: string | undefined } | undefined
  call(command: string, ...args: string[]): Promise<unknown>
  duplicate(override?: RedisSubscriberOptions): RedisSubscriber
}

/** What of the user's options must differ on a connection that only listens. */
export interface RedisSubscriberOptions {
  readonly lazyConnect: false
  readonly enableOfflineQueue: true
  readonly autoResubscribe: true
  readonly maxRetriesPerRequest: null
  readonly commandTimeout: undefined
  readonly disconnectTimeout: number
}

/** The part of a client's duplicate that the tier calls: its own, closed by itself. */
export interface RedisSubscriber {
  readonly status: string
  subscribe(...channels: string[]): Promise<unknown>
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  on(event: 'error' | 'end', listener: (error?: unknown) => void): unknown
  disconnect(): void
}
