import { CacheError, InvalidOptionError } from '../core/errors.js'
import { MAX_KEYS_PER_LOG_ROW } from '../core/log-entry.js'
import { checkFields } from '../core/options.js'
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
  SharedTier,
  SharedTierContext,
  SharedTierDefinition,
  StoredKey,
  StoreRequest,
  UseOfFailure,
  UseOfOne,
} from '../core/ports/shared-tier.js'
import {
  type Duration,
  parseBytes,
  parseCount,
  parseDuration,
  parsePositiveDuration,
  type Size,
} from '../core/quantity.js'
import type { TwinDatabase } from './shared-twin-database.js'
import { type TwinCommand, TwinServer } from './shared-twin-server.js'

/** Keys that one step of a reclamation takes. */
const RECLAIM_STEP = 100

export interface SharedTwinOptions {
  /** Made by `createTwinServer`; caches that share it are processes that share a Redis. */
  readonly server: TwinServer
  /** How often the log is polled. Default '500ms'; '0ms' = only when a read needs it. */
  readonly pollInterval?: Duration | undefined
  /** Deadline of one call. Only a server with `deliver` can miss it. Default '250ms'. */
  readonly commandTimeout?: Duration | undefined
  /** Rows that the log keeps. Default 10,000. */
  readonly logMaxEntries?: number | undefined
  /** Largest envelope. Default '8mb'. */
  readonly maxEntryBytes?: Size | undefined
}

interface Settings {
  readonly server: TwinServer
  readonly pollMs: number
  readonly commandTimeoutMs: number
  readonly logMaxEntries: number
  readonly maxEntryBytes: number
}

/**
 * The shared tier without a network: several caches of one process share a server made by `createTwinServer`.
 *
 * ```ts
 * const server = createTwinServer({ clock, random })
 * const first = createCache({ name: 'demo', tiers: [memoryTier(), sharedTier({ server })] })
 * const second = createCache({ name: 'demo', tiers: [memoryTier(), sharedTier({ server })] })
 * ```
 */
export function sharedTier(options: SharedTwinOptions): SharedTierDefinition {
  checkFields(options, ['server', 'pollInterval', 'commandTimeout', 'logMaxEntries', 'maxEntryBytes'], 'sharedTier')
  if (!(options.server instanceof TwinServer)) {
    throw new InvalidOptionError({
      field: 'sharedTier.server',
      value: options.server,
      rule: 'must be made by createTwinServer',
    })
  }
  const settings: Settings = Object.freeze({
    server: options.server,
    pollMs: parseDuration(options.pollInterval ?? '500ms', 'sharedTier.pollInterval'),
    commandTimeoutMs: parsePositiveDuration(options.commandTimeout ?? '250ms', 'sharedTier.commandTimeout'),
    logMaxEntries: parseCount(options.logMaxEntries ?? 10_000, 'sharedTier.logMaxEntries'),
    maxEntryBytes: parseBytes(options.maxEntryBytes ?? '8mb', 'sharedTier.maxEntryBytes'),
  })
  return Object.freeze({
    kind: 'shared',
    name: 'twin',
    open: (context: SharedTierContext) => new SharedTwin(settings, context),
  })
}

/** One process's connection to a twin server. Where Redis needs several commands, so does this, one by one. */
class SharedTwin implements SharedTier {
  readonly kind = 'shared'
  readonly name = 'twin'
  readonly shards: number
  readonly commandTimeoutMs: number
  readonly pollMs: number
  readonly maxEntryBytes: number
  readonly #server: TwinServer
  readonly #context: SharedTierContext
  readonly #client: number
  readonly #maxRows: number
  readonly #unsubscribe = new Set<() => void>()
  /** The longest life of an entry that this process has named. */
  #horizonMs = 0
  #isClosed = false

  constructor(settings: Settings, context: SharedTierContext) {
    this.#server = settings.server
    this.#context = context
    this.#client = settings.server.connect()
    this.#maxRows = settings.logMaxEntries
    this.shards = settings.server.shards
    this.commandTimeoutMs = settings.commandTimeoutMs
    this.pollMs = settings.pollMs
    this.maxEntryBytes = settings.maxEntryBytes
  }

  shardOf(namespace: NamespaceId): number {
    let hash = 0
    for (const character of namespace) hash = (hash * 31 + character.codePointAt(0)!) >>> 0
    return hash % this.shards
  }

  async read(
    namespace: NamespaceId,
    keys: readonly StoredKey[],
    control?: { readonly tags: readonly string[] },
  ): Promise<ReadReply> {
    if (keys.length === 0 && control === undefined) return { serverNowMs: this.#server.nowMs(), envelopes: [] }
    return this.#call(async () => {
      const [data, block] = await Promise.all([
        this.#data(keys),
        control ? this.#control(namespace, control.tags) : undefined,
      ])
      return { ...data, control: block }
    })
  }

  readOne<R>(key: StoredKey, use: UseOfOne<R>, failed: UseOfFailure<R>): Promise<R> {
    return this.#call(() => this.#data([key])).then(
      ({ envelopes, serverNowMs }) => use(envelopes[0], serverNowMs),
      failed,
    )
  }

  #data(keys: readonly StoredKey[]): Promise<ReadReply> {
    return this.#step('read', (database) => ({
      serverNowMs: this.#server.nowMs(),
      envelopes: keys.map((key) => database.data.get(key)),
    }))
  }

  control(namespace: NamespaceId, tags: readonly string[]): Promise<Control> {
    return this.#call(() => this.#control(namespace, tags))
  }

  acquire(namespace: NamespaceId, requests: readonly AcquireRequest[]): Promise<AcquireReply> {
    return this.#call(async () => {
      const [acquired, opened] = await Promise.all([
        Promise.all(requests.map((request) => this.#step('acquire', (database) => database.acquire(request)))),
        this.#open(namespace, []),
      ])
      return { ...opened, acquired }
    })
  }

  commit(_namespace: NamespaceId, token: string, request: StoreRequest): Promise<CommitOutcome> {
    this.#noteLife(request)
    return this.#call(() => this.#step('commit', (database) => database.commit(token, request)))
  }

  renew(_namespace: NamespaceId, key: StoredKey, token: string, leaseMs: number): Promise<boolean> {
    return this.#call(() => this.#step('renew', (database) => database.renew(key, token, leaseMs)))
  }

  async release(_namespace: NamespaceId, key: StoredKey, token: string): Promise<void> {
    await this.#call(() => this.#step('release', (database) => database.release(key, token)))
  }

  async fail(
    _namespace: NamespaceId,
    key: StoredKey,
    token: string,
    failure: { code: string; keepMs: number },
  ): Promise<void> {
    await this.#call(() => this.#step('fail', (database) => database.fail(key, token, failure)))
  }

  async follow(_namespace: NamespaceId, keys: readonly StoredKey[]): Promise<FollowReply> {
    if (keys.length === 0) return { serverNowMs: this.#server.nowMs(), states: [] }
    return this.#call(() =>
      this.#step('follow', (database) => ({
        serverNowMs: this.#server.nowMs(),
        states: keys.map((key) => database.follow(key)),
      })),
    )
  }

  async set(
    namespace: NamespaceId,
    requests: readonly SetRequest[],
    payload: string,
  ): Promise<{ outcomes: readonly CommitOutcome[]; position: LogPosition }> {
    if (requests.length === 0) return { outcomes: [], position: this.#nowhere(namespace) }
    for (const request of requests) this.#noteLife(request)
    return this.#call(async () => {
      const outcomes = await Promise.all(
        requests.map((request) => this.#step('store', (database) => database.commit(request.token, request))),
      )
      return { outcomes, position: await this.#append(namespace, payload) }
    })
  }

  async delete(
    namespace: NamespaceId,
    keys: readonly StoredKey[],
    payload: string,
    soft: boolean,
    marker?: Marker,
  ): Promise<{ existed: readonly boolean[]; position: LogPosition }> {
    if (keys.length === 0) return { existed: [], position: this.#nowhere(namespace) }
    return this.#call(async () => {
      if (marker) await this.#step('mark', (database) => keys.forEach((key) => void database.mark(key, marker)))
      const existed = await Promise.all(
        keys.map((key) =>
          soft
            ? this.#step('soften', (database) => database.soften(key))
            : this.#step('unlink', (database) => database.unlink(key)),
        ),
      )
      return { existed, position: await this.#append(namespace, payload) }
    })
  }

  async deletePattern(
    namespace: NamespaceId,
    { keyPrefix, glob, payloadOf, signal }: PatternRequest,
  ): Promise<PatternReply> {
    const names = await this.#call(() => this.#step('scan', (database) => database.data.keys()))
    const matches = regExpOf(glob)
    const found = names.filter((name) => name.startsWith(keyPrefix) && matches.test(name.slice(keyPrefix.length)))
    let deleted = 0
    for (let from = 0; from < found.length; from += MAX_KEYS_PER_LOG_ROW) {
      signal?.throwIfAborted()
      const keys = found.slice(from, from + MAX_KEYS_PER_LOG_ROW)
      const { existed } = await this.delete(namespace, keys, payloadOf(keys), false)
      deleted += existed.filter(Boolean).length
    }
    return { scanned: names.length, deleted }
  }

  /** The cursor counts keys; those that were deleted are not there any more. */
  reclaim(namespace: NamespaceId, { cursor, dryRun }: ReclaimRequest): Promise<ReclaimStep> {
    return this.#call(() =>
      this.#step('unlink', ({ data, leases }) => {
        const all = [data, leases].flatMap((map) => map.keys().map((key) => ({ map, key })))
        const own = all.filter(({ key }) => key.startsWith(`${namespace}|`))
        const from = dryRun ? Number(cursor) : 0
        const part = own.slice(from, from + RECLAIM_STEP)
        if (!dryRun) for (const { map, key } of part) map.delete(key)
        const entries = part.filter(({ map }) => map === data).length
        const next = own.length > from + RECLAIM_STEP ? String(Number(cursor) + RECLAIM_STEP) : undefined
        return { entries, leases: part.length - entries, deleted: dryRun ? 0 : part.length, next }
      }),
    )
  }

  bump(request: BumpRequest): Promise<BumpReply> {
    const shard = this.shardOf(request.namespace)
    this.#horizonMs = Math.max(this.#horizonMs, request.horizonMs)
    return this.#call(() => this.#step('bump', (database) => database.bump(shard, request, this.#maxRows)))
  }

  endEpoch(namespace: NamespaceId, epoch: string): Promise<boolean> {
    return this.#call(() => this.#step('endEpoch', (database) => database.endEpoch(namespace, epoch)))
  }

  tail(shard: number): Promise<LogTail> {
    return this.#call(() =>
      this.#step('tail', (database) => {
        const log = database.log(shard)
        return { generation: log.generation, row: log.newest }
      }),
    )
  }

  logSince(shard: number, from: string, limit: number): Promise<LogSlice> {
    return this.#call(() =>
      this.#step('logSince', (database) => {
        const log = database.logs[shard]
        const serverNowMs = Math.floor(this.#server.nowMs())
        return { generation: log?.generation ?? '', serverNowMs, rows: log?.since(from, limit) ?? [] }
      }),
    )
  }

  async subscribe(onRow: (shard: number, row: LogRow) => void): Promise<() => Promise<void>> {
    const end = this.#server.subscribe(this.#context.cacheName, this.#client, onRow)
    this.#unsubscribe.add(end)
    return async () => {
      end()
      this.#unsubscribe.delete(end)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const end of this.#unsubscribe) end()
    this.#unsubscribe.clear()
  }

  async #control(namespace: NamespaceId, tags: readonly string[]): Promise<Control> {
    const known = await this.#step('control', (database) => database.controls.get(namespace)?.read(tags))
    return known ?? (await this.#open(namespace, tags)).control
  }

  #open(namespace: NamespaceId, tags: readonly string[]): Promise<{ control: Control; serverNowMs: number }> {
    const shard = this.shardOf(namespace)
    const limits = { horizonMs: this.#horizonMs, maxRows: this.#maxRows }
    return this.#step('open', (database) => ({
      control: database.open(shard, namespace, limits).read(tags),
      serverNowMs: this.#server.nowMs(),
    }))
  }

  #append(namespace: NamespaceId, payload: string): Promise<LogPosition> {
    const shard = this.shardOf(namespace)
    return this.#step('append', (database) => database.append(shard, payload, this.#maxRows))
  }

  #noteLife({ keepMs }: StoreRequest): void {
    this.#horizonMs = Math.max(this.#horizonMs, keepMs)
  }

  /** Where an empty batch stands: before everything. */
  #nowhere(namespace: NamespaceId): LogPosition {
    return { shard: this.shardOf(namespace), generation: '', id: '0-0' }
  }

  #step<T>(command: TwinCommand, run: (database: TwinDatabase) => T): Promise<T> {
    return this.#server.execute(this.#client, command, () => run(this.#server.database(this.#context.cacheName)))
  }

  /** A call settles within its deadline; what arrives later is ignored. */
  #call<T>(run: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new CacheError('SHARED_TIER_FAILED', "Shared tier 'twin' is closed."))
    if (!this.#server.isDelivering) return run()
    return new Promise((resolve, reject) => {
      const cancel = this.#context.clock.setTimer(() => {
        const message = `Shared tier 'twin' did not answer within ${this.commandTimeoutMs} ms.`
        reject(new CacheError('SHARED_TIER_TIMEOUT', message))
      }, this.commandTimeoutMs)
      void run().then(resolve, reject).finally(cancel)
    })
  }
}

/** `*` any text, `?` one character, a backslash takes the next one literally. */
function regExpOf(glob: string): RegExp {
  const parts = [...glob.matchAll(/\\(.)|([*?])|(.)/gsu)].map(([, taken, wild, plain]) =>
    wild === undefined ? (taken ?? plain)!.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&') : wild === '*' ? '.*' : '.',
  )
  return new RegExp(`^${parts.join('')}$`, 'su')
}
