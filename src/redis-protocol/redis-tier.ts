import { CacheError } from '../core/errors.js'
import { MAX_KEYS_PER_LOG_ROW } from '../core/log-entry.js'
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
  PatternReply,
  PatternRequest,
  ReadReply,
  ReclaimRequest,
  ReclaimStep,
  SetRequest,
  SharedInspection,
  SharedTier,
  SharedTierContext,
  StoredKey,
  StoreRequest,
  UseOfFailure,
  UseOfOne,
} from '../core/ports/shared-tier.js'
import type { BreakerSettings } from './breaker.js'
import { type BudgetSettings, isOutOfMemory, RedisBudget } from './redis-budget.js'
import { RedisCommands } from './redis-commands.js'
import type { RedisConnection } from './redis-connection.js'
import { RedisDeadlines } from './redis-deadlines.js'
import { RedisGuard } from './redis-guard.js'
import { inspectNodes } from './redis-inspection.js'
import { RedisLayout } from './redis-layout.js'
import { RedisReads } from './redis-reads.js'
import { reclaimStep } from './redis-reclaim.js'
import { removeEntry } from './redis-removal.js'
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
  timeReply,
} from './redis-replies.js'
import { RedisRequests } from './redis-requests.js'
import { searchKeys } from './redis-search.js'
import { crc16 } from './redis-slot.js'
import { canListen, RedisSubscriptions } from './redis-subscriptions.js'
import { RedisTimes } from './redis-times.js'

/** Checked options that every adapter has. */
export interface RedisTierSettings {
  /** As errors and events name the tier. */
  readonly name: string
  readonly prefix: string
  readonly pollMs: number
  readonly commandTimeoutMs: number
  readonly logMaxEntries: number
  readonly maxEntryBytes: number
  /** Undefined: every call finds out for itself, as where nothing may run between two calls. */
  readonly breaker?: BreakerSettings | undefined
  /** Undefined: whatever there is room for is stored. */
  readonly budget?: BudgetSettings | undefined
}

/** Logs on Cluster: enough to spread them over the nodes, few enough to poll them all. Fixed for ever. */
const CLUSTER_SHARDS = 16

/**
 * The shared tier over any connection to Redis; adapters bring the connection.
 *
 * Each call sends its commands together and has one deadline for all of them, repairs included. Reads of one turn share
 * commands. While a server is away (no connection, or given up by its breaker) most calls reject at once, instead of
 * filling a queue. `delete`, `bump` and `release` are tried all the same and wait up to the deadline, so that a short
 * break does not fail an invalidation: executed later they do no harm. A commit or `set` that is executed late is
 * fenced by whatever was invalidated before.
 */
export class RedisTier implements SharedTier {
  readonly kind = 'shared'
  readonly name: string
  readonly shards: number
  readonly commandTimeoutMs: number
  readonly pollMs: number
  readonly maxEntryBytes: number
  readonly fencing: 'none' | undefined
  readonly breakerState: SharedTier['breakerState']
  readonly subscribe: SharedTier['subscribe']
  readonly #clock: Clock
  readonly #layout: RedisLayout
  readonly #guard: RedisGuard
  readonly #reads: RedisReads
  /** What is refused at once while a server is away. */
  readonly #asks: RedisCommands
  /** What may wait for it. */
  readonly #tells: RedisCommands
  readonly #requests: RedisRequests
  readonly #deadlines: RedisDeadlines
  readonly #budget: RedisBudget | undefined
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
    this.#clock = clock
    this.#layout = new RedisLayout(settings.prefix, cacheName)
    this.#guard = new RedisGuard(connection, clock, settings)
    this.shards = this.#guard.isCluster ? CLUSTER_SHARDS : 1
    this.#reads = new RedisReads(this.#guard, new RedisTimes(this.#guard, clock))
    this.#asks = new RedisCommands(this.#guard.asks)
    this.#tells = new RedisCommands(this.#guard.tells)
    this.#requests = new RedisRequests(this.#layout, random, settings.logMaxEntries)
    this.#deadlines = new RedisDeadlines(clock, settings.commandTimeoutMs, settings.name)
    this.#budget = settings.budget && new RedisBudget(this.#guard, clock, settings.budget, this.#layout.base)
    const channels = Array.from({ length: this.shards }, (_, shard) => this.#layout.log(shard))
    const subscriptions = canListen(connection)
      ? new RedisSubscriptions(connection, this.#deadlines, channels)
      : undefined
    this.#subscriptions = subscriptions
    this.subscribe = subscriptions && ((onRow) => this.#subscribe(subscriptions, onRow))
    this.fencing = connection.runScript && 'none'
    this.breakerState = settings.breaker && (() => this.#guard.worstState)
  }

  shardOf(namespace: NamespaceId): number {
    return this.shards === 1 ? 0 : crc16(namespace) % this.shards
  }

  read(
    namespace: NamespaceId,
    keys: readonly StoredKey[],
    control?: { readonly tags: readonly string[] },
  ): Promise<ReadReply> {
    if (keys.length === 0 && control === undefined) return Promise.resolve(readReply(this.#clock.wallNow(), []))
    // Each command has its own deadline, so that a plain read needs none beside it.
    const data = keys.length === 0 ? undefined : this.#reads.texts(this.#requests.dataKeys(keys), readReply)
    if (control === undefined) return data!
    return this.#call(async () => {
      const [reply, block] = await Promise.all([data, this.#control(namespace, control.tags)])
      return { ...(reply ?? readReply(this.#clock.wallNow(), [])), control: block }
    })
  }

  readOne<R>(key: StoredKey, use: UseOfOne<R>, failed: UseOfFailure<R>): Promise<R> {
    return this.#reads.text(this.#layout.data(key), use, failed)
  }

  control(namespace: NamespaceId, tags: readonly string[]): Promise<Control> {
    return this.#call(() => this.#control(namespace, tags))
  }

  acquire(namespace: NamespaceId, requests: readonly AcquireRequest[]): Promise<AcquireReply> {
    return this.#call(async () => {
      const [serverNowMs, control, replies] = await Promise.all([
        this.#time(requests.map(({ key }) => key)),
        this.#open(namespace, []),
        Promise.all(requests.map((request) => this.#asks.run(this.#requests.acquire(request)))),
      ])
      return { serverNowMs, acquired: replies.map(acquireReply), control }
    })
  }

  commit(namespace: NamespaceId, token: string, request: StoreRequest): Promise<CommitOutcome> {
    return this.#call(async () => {
      if (!this.#isFull(request)) {
        try {
          return outcomeReply(await this.#asks.run(this.#requests.commit(token, request)))
        } catch (error) {
          if (!isOutOfMemory(error)) throw error
          this.#budget?.noteOutOfMemory()
        }
      }
      await this.release(namespace, request.key, token)
      return 'full'
    })
  }

  renew(_namespace: NamespaceId, key: StoredKey, token: string, leaseMs: number): Promise<boolean> {
    return this.#call(async () => isReply(await this.#asks.run(this.#requests.renew(key, token, leaseMs))))
  }

  async release(_namespace: NamespaceId, key: StoredKey, token: string): Promise<void> {
    await this.#call(() => this.#tells.run(this.#requests.release(key, token)))
  }

  async fail(
    _namespace: NamespaceId,
    key: StoredKey,
    token: string,
    failure: { code: string; keepMs: number },
  ): Promise<void> {
    await this.#call(() => this.#asks.run(this.#requests.fail(key, token, failure)))
  }

  async follow(_namespace: NamespaceId, keys: readonly StoredKey[]): Promise<FollowReply> {
    if (keys.length === 0) return { serverNowMs: this.#clock.wallNow(), states: [] }
    return this.#reads.texts(this.#requests.followedKeys(keys), (serverNowMs, texts) => {
      return { serverNowMs, states: followReply(texts) }
    })
  }

  async set(
    namespace: NamespaceId,
    requests: readonly SetRequest[],
    payload: string,
  ): Promise<{ outcomes: readonly CommitOutcome[]; position: LogPosition }> {
    const shard = this.shardOf(namespace)
    if (requests.length === 0) return { outcomes: [], position: nowhere(shard) }
    return this.#call(async () => {
      try {
        return await this.#store(requests, payload, { shard, hasRoom: (request) => !this.#isFull(request) })
      } catch (error) {
        if (!isOutOfMemory(error)) throw error
        this.#budget?.noteOutOfMemory()
        return this.#store(requests, payload, { shard, hasRoom: () => false })
      }
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
    const append = this.#requests.append(shard, payload)
    return this.#call(async () => {
      const marks = marker ? this.#requests.mark(keys, marker) : []
      if (this.#guard.isCluster) {
        await Promise.all(marks.map((mark) => this.#tells.run(mark)))
        const existed = await Promise.all(keys.map((key) => this.#removeOnCluster(key, soft)))
        return { existed, position: positionReply(await this.#tells.run(append), shard) }
      }
      const removal = soft
        ? this.#requests.soften(keys)
        : [...keys.map((key) => this.#requests.exists(key)), this.#requests.unlink(keys)]
      const { first, last } = await this.#tells.runInOrder([...marks, ...removal], append)
      const existed = first.slice(marks.length, marks.length + keys.length).map(isReply)
      return { existed, position: positionReply(last, shard) }
    })
  }

  bump(request: BumpRequest): Promise<BumpReply> {
    const shard = this.shardOf(request.namespace)
    return this.#call(async () => bumpReply(await this.#tells.run(this.#requests.bump(shard, request)), shard))
  }

  endEpoch(namespace: NamespaceId, epoch: string): Promise<boolean> {
    const shard = this.shardOf(namespace)
    return this.#call(async () => isReply(await this.#asks.run(this.#requests.endEpoch(shard, namespace, epoch))))
  }

  tail(shard: number): Promise<LogTail> {
    return this.#call(async () => tailReply(await this.#asks.run(this.#requests.tail(shard))))
  }

  /**
   * The generation is read after the rows: if it is the one expected, nothing was lost before the rows were read. So is
   * the time, than which no row is newer.
   */
  logSince(shard: number, from: string, limit: number): Promise<LogSlice> {
    const node = this.#guard.nodeOf(this.#layout.log(shard))
    const askRest = (): Promise<[unknown[], unknown]> =>
      Promise.all([
        Promise.all(this.#requests.generation(shard).map((command) => this.#asks.run(command))),
        this.#guard.sendTo(node, ['TIME']),
      ])
    return this.#call(async () => {
      const asked = this.#asks.run(this.#requests.rows(shard, from, limit))
      if (!this.#guard.asks.keepsOrder) await asked
      const [rows, [generation, time]] = await Promise.all([asked, askRest()])
      return { generation: generationReply(generation), serverNowMs: timeReply(time), rows: rowsReply(rows) }
    })
  }

  async deletePattern(namespace: NamespaceId, request: PatternRequest): Promise<PatternReply> {
    let scanned = 0
    let deleted = 0
    for await (const step of searchKeys(this.#guard, this.#layout, request)) {
      scanned += step.scanned
      for (let from = 0; from < step.keys.length; from += MAX_KEYS_PER_LOG_ROW) {
        const keys = step.keys.slice(from, from + MAX_KEYS_PER_LOG_ROW)
        const { existed } = await this.delete(namespace, keys, request.payloadOf(keys), false)
        deleted += existed.filter(Boolean).length
      }
    }
    return { scanned, deleted }
  }

  reclaim(namespace: NamespaceId, request: ReclaimRequest): Promise<ReclaimStep> {
    if (this.#isClosed) return Promise.reject(this.#failure('is closed'))
    return reclaimStep(this.#guard, this.#layout, namespace, request)
  }

  async inspect(): Promise<SharedInspection> {
    const logs = Array.from({ length: this.shards }, (_, shard) => this.#layout.log(shard))
    const names = { logs, channel: this.fencing === 'none' ? undefined : logs[0] }
    const nodes = await inspectNodes(this.#guard, this.#clock, names)
    const isReached = nodes.some(({ error }) => error === undefined)
    const subscribeRefused = isReached ? await this.#subscriptions?.refusal() : undefined
    await this.#budget?.look(true)
    const { maxBytes, highWaterMark } = this.#budget?.settings ?? {}
    return { nodes, subscribeRefused, ownBytes: this.#budget?.ownBytes, budgetBytes: maxBytes, highWaterMark }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    await this.#subscriptions?.endAll()
    const reason = this.#failure('was closed before it answered')
    this.#guard.close(reason)
    this.#deadlines.close(reason)
  }

  async #subscribe(
    subscriptions: RedisSubscriptions,
    onRow: (shard: number, row: LogRow) => void,
  ): Promise<() => Promise<void>> {
    if (this.#isClosed) throw this.#failure('is closed')
    return subscriptions.begin(onRow)
  }

  async #control(namespace: NamespaceId, tags: readonly string[]): Promise<Control> {
    const reply = await this.#reads.once(this.#requests.control(this.shardOf(namespace), namespace, tags))
    return controlReply(reply, tags) ?? this.#open(namespace, tags)
  }

  async #open(namespace: NamespaceId, tags: readonly string[]): Promise<Control> {
    const reply = await this.#asks.run(this.#requests.open(this.shardOf(namespace), namespace, tags))
    return openReply(reply, tags)
  }

  /** The time of the servers that hold these keys: that of the clock furthest ahead. */
  async #time(keys: readonly StoredKey[]): Promise<number> {
    const nodes = new Set(this.#requests.dataKeys(keys).map((key) => this.#guard.nodeOf(key)))
    // For no keys at all: anybody's.
    if (nodes.size === 0) nodes.add(this.#guard.names()[0]!)
    const times = await Promise.all([...nodes].map((node) => this.#guard.sendTo(node, ['TIME'])))
    return Math.max(...times.map(timeReply))
  }

  /** What there is no room for is removed instead: nobody may read the old value any more. */
  async #store(
    requests: readonly SetRequest[],
    payload: string,
    { shard, hasRoom }: { shard: number; hasRoom: (request: SetRequest) => boolean },
  ): Promise<{ outcomes: readonly CommitOutcome[]; position: LogPosition }> {
    const stores = requests.map((request) =>
      hasRoom(request) ? this.#requests.commit(request.token, request) : this.#requests.unlink([request.key]),
    )
    const { first, last } = await this.#asks.runInOrder(stores, this.#requests.append(shard, payload))
    const outcomes = first.map((reply, index) => ('script' in stores[index]! ? outcomeReply(reply) : 'full'))
    return { outcomes, position: positionReply(last, shard) }
  }

  #removeOnCluster(key: StoredKey, soft: boolean): Promise<boolean> {
    const patienceMs = this.commandTimeoutMs / 2
    return removeEntry(key, soft, { commands: this.#tells, requests: this.#requests, clock: this.#clock, patienceMs })
  }

  #isFull({ key, envelope }: StoreRequest): boolean {
    return this.#budget?.isFull(this.#layout.data(key), envelope.length) ?? false
  }

  #call<T>(run: () => Promise<T>): Promise<T> {
    return this.#isClosed ? Promise.reject(this.#failure('is closed')) : this.#deadlines.race(run())
  }

  #failure(what: string): CacheError {
    return new CacheError('SHARED_TIER_FAILED', `Shared tier '${this.name}' ${what}.`)
  }
}

function readReply(serverNowMs: number, envelopes: ReadReply['envelopes']): ReadReply {
  return { serverNowMs, envelopes }
}

/** Where an empty batch stands in the log: before everything. */
function nowhere(shard: number): LogPosition {
  return { shard, generation: '', id: '0-0' }
}
