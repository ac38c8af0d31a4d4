import type { RedisSubscription } from '../redis-protocol/redis-connection.js'
import type { IoredisSubscriber, IoredisSubscriberOptions } from './redis-client.js'

export const SUBSCRIBER_OPTIONS: IoredisSubscriberOptions = Object.freeze({
  lazyConnect: false,
  enableOfflineQueue: true,
  autoResubscribe: true,
  // Until it is connected for the first time it goes on trying; a poll of the log does its work meanwhile.
  maxRetriesPerRequest: null,
  commandTimeout: undefined,
  // Nothing is lost with the socket, and a server that hangs keeps no process from ending.
  disconnectTimeout: 0,
})

/** Listens on a duplicate of the user's client, which belongs to us. */
export function subscribeWith(
  subscriber: IoredisSubscriber,
  channels: readonly string[],
  onMessage: (channel: string, message: string) => void,
): RedisSubscription {
  // Without a listener ioredis writes to the console; that it reconnects is all there is to do.
  subscriber.on('error', () => {})
  subscriber.on('message', onMessage)
  const confirmed = subscriber.subscribe(...channels).then(() => {})
  confirmed.catch(() => disconnect(subscriber))
  return { confirmed, end: () => disconnect(subscriber) }
}

/** Resolves when the socket is closed. Between two attempts to connect there is none, and nothing would tell. */
async function disconnect(subscriber: IoredisSubscriber): Promise<void> {
  const { status } = subscriber
  // Once more would only start a timer in ioredis.
  if (status === 'end') return
  const hasSocket = status === 'connecting' || status === 'connect' || status === 'ready'
  const ended = hasSocket ? new Promise<void>((resolve) => subscriber.on('end', () => resolve())) : undefined
  subscriber.disconnect()
  await ended
}
