import { createAdapter } from '@socket.io/redis-adapter'
import type { Redis } from 'ioredis'
import type { ServerOptions } from 'socket.io'
import { createRedisClient, FAIL_FAST, PATIENT, REDIS_PREFIX } from '../redis-client.js'
import type { RedisAddress } from '../settings.js'

export interface SocketAdapter {
  readonly create: NonNullable<ServerOptions['adapter']>
  /** After the socket server was closed. */
  close(): void
}

const ANSWER_MS = 2_000

/**
 * Carries events to the sockets of the other instances, over Redis pub/sub. While Redis is away each instance still
 * tells its own sockets.
 */
export function openSocketAdapter(redis: RedisAddress, failed: (what: string, error: unknown) => void): SocketAdapter {
  const lost = (error: unknown): void => failed('telling the other instances', error)
  const publisher = createRedisClient(redis, FAIL_FAST, lost)
  const subscriber = createRedisClient(redis, PATIENT, lost)
  return {
    create: createAdapter(publishingPart(publisher, lost), listeningPart(subscriber, lost), {
      key: REDIS_PREFIX.sockets,
      requestsTimeout: ANSWER_MS,
    }) as SocketAdapter['create'],
    close() {
      publisher.disconnect()
      subscriber.disconnect()
    },
  }
}

/** The adapter waits for none of its commands: one that fails would be an unhandled rejection, and end the process. */
function publishingPart(client: Redis, lost: (error: unknown) => void) {
  return {
    publish: (channel: string, message: string | Buffer) => void client.publish(channel, message).catch(lost),
    send_command: (command: string, args: string[], done: (error: Error | null, answer?: unknown) => void) =>
      void client.call(command, ...args).then((answer) => done(null, answer), done),
    ...withoutErrorListeners,
  }
}

function listeningPart(client: Redis, lost: (error: unknown) => void) {
  const told = (command: Promise<unknown>): void => void command.catch(lost)
  return {
    psubscribe: (pattern: string) => told(client.psubscribe(pattern)),
    subscribe: (channels: string[]) => told(client.subscribe(...channels)),
    punsubscribe: (pattern: string) => told(client.punsubscribe(pattern)),
    unsubscribe: (channels: string[]) => told(client.unsubscribe(...channels)),
    on: (event: string, listener: () => void) => event !== 'error' && client.on(event as 'message', listener),
    off: (event: string, listener: () => void) => client.off(event, listener),
  }
}

/** Its own complaint about a missing listener: there is one. */
const withoutErrorListeners = { on: () => {}, off: () => {} }
