import type { RedisSubscription } from '../redis-protocol/redis-connection.js'
import type { NodeRedisSubscriber } from './redis-client.js'

/** It goes on trying, whatever the user's own client does; a poll of the log does its work meanwhile. */
export const RECONNECT = Object.freeze({
  reconnectStrategy: (retries: number): number => Math.min(50 * 2 ** Math.min(retries, 6), 2_000),
})

/** Listens on a duplicate of the user's client, which belongs to us. */
export function subscribeWith(
  subscriber: NodeRedisSubscriber,
  channels: readonly string[],
  onMessage: (channel: string, message: string) => void,
): RedisSubscription {
  // That it reconnects is all there is to do.
  subscriber.on('error', () => {})
  let isOver = false
  const end = async (): Promise<void> => {
    if (isOver) return
    isOver = true
    // One that is not connected has nothing to destroy, and says so.
    await Promise.resolve()
      .then(() => subscriber.destroy())
      .catch(() => {})
  }
  const confirmed = subscriber
    .connect()
    .then(() => subscriber.subscribe([...channels], (message, channel) => onMessage(channel, message)))
    .then(() => {})
  confirmed.catch(end)
  return { confirmed, end }
}
