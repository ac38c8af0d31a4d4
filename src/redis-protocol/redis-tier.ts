import { CacheError } from '../core/errors.js'
import type { Clock } from '../core/ports/clock.js'
import type {
  AcquireReply,
  AcquireRequest,
  BumpReply,
  BumpRequest,
  CommitOutcome,
  Control,
  FollowReply,
  LogPosition,
  LogRow,
  LogSlice,
  LogTail,
  Marker,
  NamespaceId,
  ReadReply,
  SetRequest,
  SharedTier,
  SharedTierContext,
  StoredKey,
  StoreRequest,
} from '../core/ports/shared-tier.js'
import { RedisCommands } from './redis-commands.js'
import type { RedisConnection } from './redis-connection.js'
import { RedisDeadlines } from './redis-deadlines.js'
import { RedisLayout } from './redis-layout.js'
import {
  acquireReply,
  bumpReply,
  controlReply,
  followReply,
  generationReply,
  isReply,
  openReply,
  outcomeReply,
  positionReply,
  rowsReply,
  tailReply,
  textsReply,
  timeReply,
} from './redis-replies.js'
import { RedisRequests } from './redis-requests.js'
import { canListen, RedisSubscriptions } from './redis-subscriptions.js'

/** Checked options that every adapter has. */
export interface RedisTierSettings {
  /** As errors and events name the tier. */
  readonly name: string
  readonly prefix: string
  readonly pollMs: number
  readonly commandTimeoutMs: number
  readonly logMaxEntries: number
  readonly maxEntryBytes: number
}

/**
 * The shared tier over any connection to Redis; adapters bring the connection.
 *
 * Each call sends its commands together and has one deadline for all of them, repairs included. While the client has
 * no connection most calls reject at once, instead of filling its queue. `delete`, `bump` and `release` wait there up
 * to the deadline, so that a short break does not fail an invalidation: executed later they do no harm. A commit or
 * `set` that is executed late is fenced by whatever was invalidated before.
 */
export class RedisTier implements SharedTier {
  readonly kind = 'shared'
  readonly name: string
  /** One log on one server; several when the adapter for Cluster comes. */
  readonly shards = 1
  readonly commandTimeoutMs: number
  readonly pollMs: number
  readonly maxEntryBytes: number
  readonly fencing: 'none' | undefined
  readonly subscribe: SharedTier['subscribe']
  readonly #clock: Clock
  readonly #connection: RedisConnection
  readonly #commands: RedisCommands
  readonly #requests: RedisRequests
  readonly #deadlines: RedisDeadlines
  readonly #subscriptions: RedisSubscriptions | undefined
  #isClosed = false
  #closing: Promise<void> | undefined

  constructor(
    settings: RedisTierSettings,
    connection: RedisConnection,
    { cacheName, clock, random }: SharedTierContext,
  ) {
    this.name = settings.name
    this.commandTimeoutMs = settings.commandTimeoutMs
    this.pollMs = settings.pollMs
    this.maxEntryBytes = settings.maxEntryBytes
    const layout = new RedisLayout(settings.prefix, cacheName)
    this.#clock = clock
    this.#connection = connection
    this.#commands = new RedisCommands(this.#connection)
    this.#requests = new RedisRequests(layout, random, settings.logMaxEntries)
    this.#deadlines = new RedisDeadlines(clock, settings.commandTimeoutMs, settings.name)
    const channels = Array.from({ length: this.shards }, (_, shard) => layout.log(shard))
    const subscriptions = canListen(connection)
      ? new RedisSubscriptions(connection, this.#deadlines, channels)
      : undefined
    this.#subscriptions = subscriptions
    this.subscribe = subscriptions && ((onRow) => this.#subscribe(subscriptions, onRow))
    this.fencing = connection.runScript && 'none'
  }

  shardOf(_namespace: NamespaceId): number {
    return 0
  }

  async read(
    namespace: NamespaceId,
    keys: readonly StoredKey[],
    control?: { readonly tags: readonly string[] },
  ): Promise<ReadReply> {
    if (keys.length === 0 && control === undefined) return { serverNowMs: this.#clock.wallNow(), envelopes: [] }
    return this.#ask(async () => {
      const [time, data, block] = await Promise.all([
        this.#commands.run(['TIME']),
        keys.length === 0 ? [] : this.#commands.run(this.#requests.read(keys)),
        control && this.#control(namespace, control.tags),
      ])
      return { serverNowMs: timeReply(time), envelopes: textsReply(data, keys.length), control: block }
    })
  }

  control(namespace: NamespaceId, tags: readonly string[]): Promise<Control> {
    return this.#ask(() => this.#control(namespace, tags))
  }

  acquire(namespace: NamespaceId, requests: readonly AcquireRequest[]): Promise<AcquireReply> {
    return this.#ask(async () => {
      const [time, control, replies] = await Promise.all([
        this.#commands.run(['TIME']),
        this.#open(namespace, []),
        Promise.all(requests.map((request) => this.#commands.run(this.#requests.acquire(request)))),
      ])
      return { serverNowMs: timeReply(time), acquired: replies.map(acquireReply), control }
    })
  }

  commit(_namespace: NamespaceId, token: string, request: StoreRequest): Promise<CommitOutcome> {
    return this.#ask(async () => outcomeReply(await this.#commands.run(this.#requests.commit(token, request))))
  }

  renew(_namespace: NamespaceId, key: StoredKey, token: string, leaseMs: number): Promise<boolean> {
    return this.#ask(async () => isReply(await this.#commands.run(this.#requests.renew(key, token, leaseMs))))
  }

  async release(_namespace: NamespaceId, key: StoredKey, token: string): Promise<void> {
    await this.#tell(() => this.#commands.run(this.#requests.release(key, token)))
  }

  async fail(
    _namespace: NamespaceId,
    key: StoredKey,
    token: string,
    failure: { code: string; keepMs: number },
  ): Promise<void> {
    await this.#ask(() => this.#commands.run(this.#requests.fail(key, token, failure)))
  }

  async follow(_namespace: NamespaceId, keys: readonly StoredKey[]): Promise<FollowReply> {
    if (keys.length === 0) return { serverNowMs: this.#clock.wallNow(), states: [] }
    return this.#ask(async () => {
      const [time, reply] = await Promise.all([
        this.#commands.run(['TIME']),
        this.#commands.run(this.#requests.follow(keys)),
      ])
      return { serverNowMs: timeReply(time), states: followReply(reply, keys.length) }
    })
  }

  async set(
    namespace: NamespaceId,
    requests: readonly SetRequest[],
    payload: string,
  ): Promise<{ outcomes: readonly CommitOutcome[]; position: LogPosition }> {
    const shard = this.shardOf(namespace)
    if (requests.length === 0) return { outcomes: [], position: nowhere(shard) }
    return this.#ask(async () => {
      const commits = requests.map((request) => this.#requests.commit(request.token, request))
      const { first, last } = await this.#commands.runInOrder(commits, this.#requests.append(shard, payload))
      return { outcomes: first.map(outcomeReply), position: positionReply(last, shard) }
    })
  }

  async delete(
    namespace: NamespaceId,
    keys: readonly StoredKey[],
    payload: string,
    soft: boolean,
    marker?: Marker,
  ): Promise<{ existed: readonly boolean[]; position: LogPosition }> {
    const shard = this.shardOf(namespace)
    if (keys.length === 0) return { existed: [], position: nowhere(shard) }
    return this.#tell(async () => {
      const marks = marker ? this.#requests.mark(keys, marker) : []
      const removal = soft ? this.#requests.soften(keys) : this.#requests.unlink(keys)
      const { first, last } = await this.#commands.runInOrder(
        [...marks, ...removal],
        this.#requests.append(shard, payload),
      )
      const existed = first.slice(marks.length, marks.length + keys.length).map(isReply)
      return { existed, position: positionReply(last, shard) }
    })
  }

  bump(request: BumpRequest): Promise<BumpReply> {
    const shard = this.shardOf(request.namespace)
    return this.#tell(async () => bumpReply(await this.#commands.run(this.#requests.bump(shard, request)), shard))
  }

  endEpoch(namespace: NamespaceId, epoch: string): Promise<boolean> {
    const shard = this.shardOf(namespace)
    return this.#ask(async () => isReply(await this.#commands.run(this.#requests.endEpoch(shard, namespace, epoch))))
  }

  tail(shard: number): Promise<LogTail> {
    return this.#ask(async () => tailReply(await this.#commands.run(this.#requests.tail(shard))))
  }

  /** The generation is read after the rows: if it is the one expected, nothing was lost before the rows were read. */
  logSince(shard: number, from: string, limit: number): Promise<LogSlice> {
    return this.#ask(async () => {
      const [rows, generation] = await Promise.all([
        this.#commands.run(this.#requests.rows(shard, from, limit)),
        Promise.all(this.#requests.generation(shard).map((command) => this.#commands.run(command))),
      ])
      return { generation: generationReply(generation), rows: rowsReply(rows) }
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    await this.#subscriptions?.endAll()
    const closed = this.#failure('was closed before it answered')
    this.#deadlines.close(closed)
    this.#connection.close?.(closed)
  }

  async #subscribe(
    subscriptions: RedisSubscriptions,
    onRow: (shard: number, row: LogRow) => void,
  ): Promise<() => Promise<void>> {
    if (this.#isClosed) throw this.#failure('is closed')
    return subscriptions.begin(onRow)
  }

  async #control(namespace: NamespaceId, tags: readonly string[]): Promise<Control> {
    const reply = await this.#commands.run(this.#requests.control(this.shardOf(namespace), namespace, tags))
    return controlReply(reply, tags) ?? this.#open(namespace, tags)
  }

  async #open(namespace: NamespaceId, tags: readonly string[]): Promise<Control> {
    const reply = await this.#commands.run(this.#requests.open(this.shardOf(namespace), namespace, tags))
    return openReply(reply, tags)
  }

  /** A call that fails at once while there is no connection. */
  #ask<T>(run: () => Promise<T>): Promise<T> {
    return this.#connection.isUp ? this.#tell(run) : Promise.reject(this.#failure('is not connected'))
  }

  /** A call that may wait for a connection. */
  #tell<T>(run: () => Promise<T>): Promise<T> {
    return this.#isClosed ? Promise.reject(this.#failure('is closed')) : this.#deadlines.race(run())
  }

  #failure(what: string): CacheError {
    return new CacheError('SHARED_TIER_FAILED', `Shared tier '${this.name}' ${what}.`)
  }
}

/** Where an empty batch stands in the log: before everything. */
function nowhere(shard: number): LogPosition {
  return { shard, generation: '', id: '0-0' }
}
