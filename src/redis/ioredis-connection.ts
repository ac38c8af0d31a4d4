import type { RedisCommand, RedisConnection, RedisSubscription } from '../redis-protocol/redis-connection.js'
import type { RedisClient, RedisSubscriber } from './redis-client.js'

/** ioredis 5 and 6 with one server, or with the present primary behind Sentinel. */
export class IoredisConnection implements RedisConnection {
  readonly keepsOrder = true
  readonly #client: RedisClient

  constructor(client: RedisClient) {
    this.#client = client
  }

  get isUp(): boolean {
    const { status } = this.#client
    return status !== 'reconnecting' && status !== 'close' && status !== 'end'
  }

  send([name, ...args]: RedisCommand): Promise<unknown> {
    return this.#client.call(name, ...args)
  }

  subscribe(channels: readonly string[], onMessage: (channel: string, message: string) => void): RedisSubscription {
    const subscriber = this.#client.duplicate({
      lazyConnect: false,
      enableOfflineQueue: true,
      autoResubscribe: true,
      // Until it is connected for the first time it goes on trying; a poll of the log does its work meanwhile.
      maxRetriesPerRequest: null,
      commandTimeout: undefined,
      // Nothing is lost with the socket, and a server that hangs keeps no process from ending.
      disconnectTimeout: 0,
    })
    // Without a listener ioredis writes to the console; that it reconnects is all there is to do.
    subscriber.on('error', () => {})
    subscriber.on('message', onMessage)
    const confirmed = subscriber.subscribe(...channels).then(() => {})
    confirmed.catch(() => disconnect(subscriber))
    return { confirmed, end: () => disconnect(subscriber) }
  }
}

/** Resolves when the socket is closed. Between two attempts to connect there is none, and nothing would tell. */
async function disconnect(subscriber: RedisSubscriber): Promise<void> {
  const { status } = subscriber
  // Once more would only start a timer in ioredis.
  if (status === 'end') return
  const hasSocket = status === 'connecting' || status === 'connect' || status === 'ready'
  const ended = hasSocket ? new Promise<void>((resolve) => subscriber.on('end', () => resolve())) : undefined
  subscriber.disconnect()
  await ended
}
