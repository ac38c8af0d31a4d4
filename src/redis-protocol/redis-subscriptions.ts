import { errorText } from '../core/error-text.js'
import { CacheError } from '../core/errors.js'
import type { LogRow } from '../core/ports/shared-tier.js'
import type { RedisConnection, RedisSubscription } from './redis-connection.js'
import type { RedisDeadlines } from './redis-deadlines.js'
import { parsePublishedRow } from './redis-replies.js'

export type ListeningConnection = Required<Pick<RedisConnection, 'subscribe'>>

export function canListen(connection: RedisConnection): connection is RedisConnection & ListeningConnection {
  return connection.subscribe !== undefined
}

/** Connections that listen to the channels of the logs. Each is opened here and closed here. */
export class RedisSubscriptions {
  readonly #connection: ListeningConnection
  readonly #deadlines: RedisDeadlines
  /** One a shard, in their order. */
  readonly #channels: readonly string[]
  readonly #open = new Set<RedisSubscription>()

  constructor(connection: ListeningConnection, deadlines: RedisDeadlines, channels: readonly string[]) {
    this.#connection = connection
    this.#deadlines = deadlines
    this.#channels = channels
  }

  /**
   * Resolves when the server has confirmed; also after the deadline, because the connection goes on trying and a sync
   * of the log finds what it missed. Rejects only if the server refuses.
   */
  async begin(onRow: (shard: number, row: LogRow) => void): Promise<() => Promise<void>> {
    const subscription = this.#connection.subscribe(this.#channels, (channel, message) => {
      const shard = this.#channels.indexOf(channel)
      const row = parsePublishedRow(message)
      if (shard >= 0 && row !== undefined) onRow(shard, row)
    })
    this.#open.add(subscription)
    try {
      await this.#deadlines.race(subscription.confirmed)
    } catch (error) {
      if (!CacheError.is(error)) {
        await this.#end(subscription)
        throw error
      }
    }
    return () => this.#end(subscription)
  }

  /** Why the server lets nobody listen, if it does not: by a connection that is closed again. */
  async refusal(): Promise<string | undefined> {
    try {
      const end = await this.begin(() => {})
      await end()
      return undefined
    } catch (error) {
      return errorText(error)
    }
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#open].map((subscription) => this.#end(subscription)))
  }

  async #end(subscription: RedisSubscription): Promise<void> {
    if (!this.#open.delete(subscription)) return
    // A server that no longer answers keeps nobody waiting; the client destroys the socket by itself.
    await this.#deadlines.race(subscription.end()).catch(() => {})
  }
}
