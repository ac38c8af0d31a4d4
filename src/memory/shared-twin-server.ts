import type { Clock } from '../core/ports/clock.js'
import type { Random } from '../core/ports/random.js'
import type { LogRow, StoredKey } from '../core/ports/shared-tier.js'
import { TwinDatabase } from './shared-twin-database.js'

/** The atomic commands of the twin: what one Redis command or script is. */
export const TWIN_COMMANDS = [
  'read',
  'control',
  'open',
  'acquire',
  'commit',
  'renew',
  'release',
  'fail',
  'follow',
  'store',
  'mark',
  'unlink',
  'scan',
  'soften',
  'append',
  'bump',
  'endEpoch',
  'tail',
  'logSince',
] as const

export type TwinCommand = (typeof TWIN_COMMANDS)[number]

/**
 * Where a message is held: `request` before the server executes, `reply` after it executed and before its client
 * knows, `push` before a published row arrives (command `publish`).
 */
export type DeliveryPhase = 'request' | 'reply' | 'push'

/**
 * Awaited at every hop, so that a scheduler can reorder everything. A rejection is a broken connection: at `request`
 * the command was never executed, at `reply` it was and its client cannot know, at `push` the row is lost. 'again' at
 * `reply`: the reply was lost and the client's library sends the command once more, as ioredis does when it has
 * reconnected; at `push`: the row comes twice.
 */
export type Deliver = (phase: DeliveryPhase, command: string, client: number) => Promise<Delivery> | Delivery

// biome-ignore lint/suspicious/noConfusingVoidType: most have nothing to say.
export type Delivery = void | 'again'

export interface TwinServerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly deliver?: Deliver | undefined
  /** Number of invalidation logs, as on a cluster. Default 1. */
  readonly shards?: number | undefined
}

interface Subscription {
  readonly cacheName: string
  readonly client: number
  readonly onRow: (shard: number, row: LogRow) => void
  isOpen: boolean
}

/** An in-memory server that several caches of one process share; also the network between them and it. */
export function createTwinServer(options: TwinServerOptions): TwinServer {
  return new TwinServer(options)
}

export class TwinServer {
  readonly shards: number
  /** How often each command was executed. */
  readonly commands: Record<TwinCommand, number> = countersOf(TWIN_COMMANDS)
  /** While true, published rows reach nobody. */
  dropPush = false

  readonly #clock: Clock
  readonly #random: Random
  readonly #deliver: Deliver | undefined
  readonly #databases = new Map<string, TwinDatabase>()
  readonly #subscriptions = new Set<Subscription>()
  readonly #failures: { command: TwinCommand; error: Error }[] = []
  readonly #wallOffsetMs: number
  #clients = 0

  constructor({ clock, random, deliver, shards = 1 }: TwinServerOptions) {
    this.#clock = clock
    this.#random = random
    this.#deliver = deliver
    this.shards = shards
    this.#wallOffsetMs = clock.wallNow() - clock.now()
  }

  /** The server's own wall clock: a client whose wall clock jumps does not move it. */
  readonly nowMs = (): number => Math.floor(this.#wallOffsetMs + this.#clock.now())

  /** False: every message arrives at once, so that no call can miss its deadline. */
  get isDelivering(): boolean {
    return this.#deliver !== undefined
  }

  connect(): number {
    return ++this.#clients
  }

  /** One command of a client: its way there, the atomic execution, the way back. */
  async execute<T>(client: number, command: TwinCommand, run: () => T): Promise<T> {
    for (;;) {
      await this.#deliver?.('request', command, client)
      this.commands[command]++
      const failure = this.#failures.findIndex((next) => next.command === command)
      if (failure >= 0) throw this.#failures.splice(failure, 1)[0]!.error
      const result = run()
      if ((await this.#deliver?.('reply', command, client)) !== 'again') return result
    }
  }

  subscribe(cacheName: string, client: number, onRow: (shard: number, row: LogRow) => void): () => void {
    const subscription: Subscription = { cacheName, client, onRow, isOpen: true }
    this.#subscriptions.add(subscription)
    return () => {
      subscription.isOpen = false
      this.#subscriptions.delete(subscription)
    }
  }

  /** What the server keeps for a cache name. */
  database(cacheName: string): TwinDatabase {
    const known = this.#databases.get(cacheName)
    if (known) return known
    const made = new TwinDatabase({
      nowMs: this.nowMs,
      random: this.#random,
      onRow: (shard, row) => this.#publish(cacheName, shard, row),
    })
    this.#databases.set(cacheName, made)
    return made
  }

  /** The next such command is not executed and rejects. */
  fail(command: TwinCommand, error: Error): void {
    this.#failures.push({ command, error })
  }

  /** Trims every log to its newest rows. */
  trimLog(keep: number): void {
    for (const { logs } of this.#databases.values()) for (const log of logs) log?.trim(keep)
  }

  /** As FLUSHALL: data, leases, control blocks and logs are gone; subscriptions stay. */
  flushAll(): void {
    this.#databases.clear()
  }

  /**
   * A replica that receives nothing from now on. Answers the failover to it: the server is again what it was, whatever
   * it has acknowledged since; connections break by `deliver`.
   */
  replica(): () => void {
    const copies = [...this.#databases].map(([name, database]) => [name, database.copy()] as const)
    return () => {
      this.#databases.clear()
      for (const [name, database] of copies) this.#databases.set(name, database)
    }
  }

  /** As eviction for want of memory: what is kept under a stored key, or the control block of a namespace. */
  evict(name: StoredKey, kind?: 'data' | 'leases' | 'markers' | 'controls'): void {
    for (const database of this.#databases.values()) {
      for (const map of ['data', 'leases', 'markers', 'controls'] as const) {
        if (kind === undefined || kind === map) database[map].delete(name)
      }
    }
  }

  #publish(cacheName: string, shard: number, row: LogRow): void {
    if (this.dropPush) return
    for (const subscription of this.#subscriptions) {
      if (subscription.cacheName === cacheName) void this.#push(subscription, shard, row)
    }
  }

  async #push(subscription: Subscription, shard: number, row: LogRow): Promise<void> {
    for (;;) {
      let delivery: Delivery
      try {
        delivery = await this.#deliver?.('push', 'publish', subscription.client)
      } catch {
        return
      }
      if (subscription.isOpen) subscription.onRow(shard, row)
      if (delivery !== 'again') return
    }
  }
}

function countersOf<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>
}
