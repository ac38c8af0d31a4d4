import type { SoftClocks } from '../soft-clocks.js'
import type { BreakerState } from './breaker-state.js'
import type { Clock } from './clock.js'
import type { Random } from './random.js'

/**
 * The name of an entry in the shared tier without the cache's own prefix: injective over (tenant, policy, version,
 * key), e.g. `5:org-7|unit-counts@1|all`. Made by `storedKey` of `core/stored-key.ts`.
 */
export type StoredKey = string

/** A namespace (cache + tenant) in the shared tier, e.g. `5:org-7`. */
export type NamespaceId = string

/** Where something stands in a log: the shard, the log's generation (changes when a log is lost), the entry's id. */
export interface LogPosition {
  readonly shard: number
  readonly generation: string
  readonly id: string
}

/** One entry of the invalidation log. `payload` is text made by `core/log-entry.ts`. */
export interface LogRow {
  readonly id: string
  readonly payload: string
}

/**
 * The control block of a namespace. Clocks are microseconds on the server's logical clock (safe integers); 0 = never.
 * An entry is dead if its epoch differs, if `floor` or the clock of one of its tags is greater than its `born`, or if
 * one of its tags has no clock and `born <= pruned`.
 */
export interface Control {
  readonly epoch: string
  /** The highest clock ever given out in this namespace. */
  readonly clock: number
  readonly floor: number
  /** The highest tag clock ever pruned. */
  readonly pruned: number
  /** For each tag asked for, in that order; undefined = no clock of its own. */
  readonly tags: readonly TagClocks[]
}

export interface TagClocks {
  /** Clock of the last hard invalidation. */
  readonly hard?: number | undefined
  /** Clocks of the soft invalidations. */
  readonly soft?: SoftClocks | undefined
}

export interface ReadReply {
  /** The server's wall clock when it read, in milliseconds. */
  readonly serverNowMs: number
  /** Envelopes in the order of the keys; undefined = absent. */
  readonly envelopes: readonly (string | undefined)[]
  /** Present if asked for. */
  readonly control?: Control | undefined
}

/**
 * What is made of one key's envelope, undefined if it is absent; and of what went wrong instead. `serverNowMs`: the server's
 * wall clock when it read, or a few milliseconds more, never less.
 */
export type UseOfOne<R> = (envelope: string | undefined, serverNowMs: number) => R | Promise<R>
export type UseOfFailure<R> = (error: unknown) => R | Promise<R>

export interface AcquireRequest {
  readonly key: StoredKey
  /** Made by `leaseToken` of `core/lease-token.ts`, new for every fill. */
  readonly token: string
  readonly leaseMs: number
  /** Fill id of an entry that the caller has just judged unusable: it must not be handed back. */
  readonly deadId?: string | undefined
  /** Takes the lease whatever is stored and whoever holds it, as a direct `set` does: that fill is fenced from now on. */
  readonly takes?: boolean | undefined
}

export type Acquired =
  /** Somebody stored it meanwhile. */
  | { readonly state: 'entry'; readonly envelope: string }
  /** The lease is ours. `marker` = minimum source version asked for by a recent invalidation. */
  | { readonly state: 'leader'; readonly marker?: string | undefined }
  /** Somebody else fills. `expectedMs` = how long that fill was expected to take, where its token says so. */
  | { readonly state: 'follower'; readonly remainingMs: number; readonly expectedMs?: number | undefined }

export interface AcquireReply {
  readonly serverNowMs: number
  /** One for each request, in that order. */
  readonly acquired: readonly Acquired[]
  /** Read at or after the moment the call was sent and before any lease's holder can begin its fill. */
  readonly control: Control
}

export interface StoreRequest {
  readonly key: StoredKey
  /** Made by `encodeEnvelope`; the tier stamps its `storedAt` with the server's time. */
  readonly envelope: string
  /** Physical life: fresh + stale window. */
  readonly keepMs: number
  /** Source version: the store is refused if a marker asks for a newer one. Decimal digits. */
  readonly version?: string | undefined
}

/** A value of a direct `set`, stored under the lease that was taken for it. */
export interface SetRequest extends StoreRequest {
  readonly token: string
}

/** `full`: the tier takes no more for now. Nothing was stored, and the lease has ended; a `set` also removes what was there. */
export type CommitOutcome = 'stored' | 'fenced' | 'superseded' | 'full'

export interface FollowReply {
  readonly serverNowMs: number
  readonly states: readonly FollowState[]
}

/** What the data key holds, and whether anybody holds the lease; `failure` = the code of a fill that failed just now. */
export interface FollowState {
  readonly envelope?: string | undefined
  readonly leased: boolean
  readonly failure?: string | undefined
}

/** What is left behind by an invalidation where the source has replicas that lag. */
export interface Marker {
  /** Least source version that may be stored, decimal digits; '0' = any, but fills are told. */
  readonly version: string
  readonly keepMs: number
}

export interface BumpRequest {
  readonly namespace: NamespaceId
  readonly tags: readonly string[]
  /** Raises the floor: everything born before is dead. */
  readonly clear: boolean
  /** The tags' entries become stale instead of dead. Not together with `clear`. */
  readonly soft: boolean
  /** Id of this invalidation: its sender recognises its own log row by it. */
  readonly origin: string
  /** A tag clock older than this, in milliseconds before now, may be pruned: the longest life of an entry. */
  readonly horizonMs: number
}

export interface BumpReply {
  readonly epoch: string
  readonly clock: number
  readonly position: LogPosition
}

export interface LogTail {
  readonly generation: string
  /** The newest row; undefined while the log is empty. */
  readonly row?: LogRow | undefined
}

export interface LogSlice {
  readonly generation: string
  /** The wall clock of the log's server after it read the rows, in milliseconds: that of the ids of rows. */
  readonly serverNowMs: number
  /** Rows from `from` on, *inclusive*, oldest first, at most `limit`. */
  readonly rows: readonly LogRow[]
}

export interface PatternRequest {
  /** Begins with the namespace: `5:org-7|`, or `5:org-7|unit-counts@1|` for one policy. */
  readonly keyPrefix: string
  readonly glob: string
  /** The log row of a batch of at most `MAX_KEYS_PER_LOG_ROW` keys. */
  readonly payloadOf: (keys: readonly StoredKey[]) => string
  /** Ends it between two steps. */
  readonly signal?: AbortSignal | undefined
}

/** What a deletion by pattern did. */
export interface PatternReply {
  /** Keys that were looked at: the whole keyspace of the server, whatever the pattern. */
  readonly scanned: number
  readonly deleted: number
}

export interface ReclaimRequest {
  /** '0' = from the beginning; else the `next` of a step before. */
  readonly cursor: string
  /** Only counts. */
  readonly dryRun: boolean
}

/** What one step found of a namespace, and took out. */
export interface ReclaimStep {
  readonly entries: number
  readonly leases: number
  readonly deleted: number
  /** Where to go on; undefined = everything was looked at. */
  readonly next: string | undefined
}

/** What one server of a shared tier says about itself. Undefined: it did not say. */
export interface NodeInspection {
  /** `host:port`, or '' where there is only one. */
  readonly name: string
  readonly version?: string | undefined
  readonly role?: string | undefined
  readonly usedBytes?: number | undefined
  /** 0 = no limit but the machine's. */
  readonly maxBytes?: number | undefined
  readonly evictionPolicy?: string | undefined
  readonly evictedKeys?: number | undefined
  readonly replicas?: number | undefined
  readonly appendOnly?: boolean | undefined
  readonly snapshots?: boolean | undefined
  /** False: EVAL is refused. */
  readonly scripts?: boolean | undefined
  /** What this user may not do there, in the server's words: run scripts on the tier's keys, publish on its channel, ask INFO. */
  readonly refused?: { readonly [what in 'scripts' | 'publish' | 'info']?: string } | undefined
  /** The server's wall clock minus this process's, in milliseconds; the truth lies within half a round trip of it. */
  readonly clockOffsetMs?: number | undefined
  readonly roundTripMs?: number | undefined
  /** Why nothing could be learned. */
  readonly error?: string | undefined
}

export interface SharedInspection {
  readonly nodes: readonly NodeInspection[]
  /** Why this user may not listen to what is published, in the server's words; undefined = it may, or nobody listens. */
  readonly subscribeRefused?: string | undefined
  /** The tier's own keys, estimated by a sample. */
  readonly ownBytes?: number | undefined
  /** What the tier allows itself; undefined = no budget. */
  readonly budgetBytes?: number | undefined
  /** Share of the server's memory above which the tier stores nothing more. */
  readonly highWaterMark?: number | undefined
}

/**
 * The tier that all processes share. Every method is one round trip where the technology allows it, makes one attempt,
 * and settles within the tier's own deadline: it rejects with what the technology said, never hangs, never retries.
 * What the port calls atomic is one script there. Batches name keys of one namespace only; an empty batch is answered
 * without a command.
 */
export interface SharedTier {
  readonly kind: 'shared'
  readonly name: string
  /** Number of invalidation logs; a namespace belongs to `shardOf(namespace)`. */
  readonly shards: number
  shardOf(namespace: NamespaceId): number
  /** The deadline of one command. */
  readonly commandTimeoutMs: number
  /** How often a process should poll the log; 0 = never by timer, only when a read needs it (HTTP mode). */
  readonly pollMs: number
  /** Largest envelope that the tier accepts. */
  readonly maxEntryBytes: number
  /** Whether calls go through: the worst of its servers. Undefined where nothing stands between a call and its server. */
  breakerState?(): BreakerState
  /**
   * 'none': what the port calls atomic is not, because the technology cannot. A fill that began before an invalidation
   * may be stored after it (guarantee G1 is off).
   */
  readonly fencing?: 'none' | undefined

  /** Data keys of one namespace; with `control`, its control block in the same trip, opened if it is missing. */
  read(
    namespace: NamespaceId,
    keys: readonly StoredKey[],
    control?: { readonly tags: readonly string[] },
  ): Promise<ReadReply>
  /**
   * As `read` of one key without `control`: answers what `use` makes of the reply, or `failed` of what went wrong. Every
   * hit comes by here, and each promise more would be felt.
   */
  readOne<R>(key: StoredKey, use: UseOfOne<R>, failed: UseOfFailure<R>): Promise<R>
  /** Reads the control block, and the clocks of `tags`; makes a new one (new epoch, announced in the log) if missing. */
  control(namespace: NamespaceId, tags: readonly string[]): Promise<Control>
  /**
   * For each request, atomically: a stored entry whose id is not `deadId`, else the lease if it is free. One that says
   * how a fill failed is free.
   */
  acquire(namespace: NamespaceId, requests: readonly AcquireRequest[]): Promise<AcquireReply>
  /** Stores iff `token` still is the lease; ends the lease. Atomic. */
  commit(namespace: NamespaceId, token: string, request: StoreRequest): Promise<CommitOutcome>
  /** Extends the lease iff `token` still is it. False: the lease is lost. */
  renew(namespace: NamespaceId, key: StoredKey, token: string, leaseMs: number): Promise<boolean>
  /** Ends the lease iff `token` still is it. */
  release(namespace: NamespaceId, key: StoredKey, token: string): Promise<void>
  /** As `release`, and tells followers for `keepMs` that the fill failed. The code is short text without control characters. */
  fail(
    namespace: NamespaceId,
    key: StoredKey,
    token: string,
    failure: { readonly code: string; readonly keepMs: number },
  ): Promise<void>
  /** What followers poll: data key and lease together. */
  follow(namespace: NamespaceId, keys: readonly StoredKey[]): Promise<FollowReply>
  /**
   * Commits each under its own lease, then appends `payload` to the log. A `set` that arrives late is fenced by an
   * invalidation that was acknowledged before, like any fill.
   */
  set(
    namespace: NamespaceId,
    requests: readonly SetRequest[],
    payload: string,
  ): Promise<{ readonly outcomes: readonly CommitOutcome[]; readonly position: LogPosition }>
  /**
   * Invalidates entries: data and lease of each deleted (`soft`: data marked stale and kept for its stale window, lease
   * deleted) *before* `payload` is appended to the log. A marker is left before the lease goes; of two the higher
   * version stays. Safe to repeat.
   */
  delete(
    namespace: NamespaceId,
    keys: readonly StoredKey[],
    payload: string,
    soft: boolean,
    marker?: Marker,
  ): Promise<{ readonly existed: readonly boolean[]; readonly position: LogPosition }>
  /** Advances the namespace's clock for tags or clear and appends to the log, atomically. O(number of tags). */
  bump(request: BumpRequest): Promise<BumpReply>
  /**
   * Ends an epoch iff it still is the namespace's: whatever was stored under it is dead. The next look at the control
   * block opens a new one. True if this call ended it.
   */
  endEpoch(namespace: NamespaceId, epoch: string): Promise<boolean>

  /** The newest row of a log. */
  tail(shard: number): Promise<LogTail>
  /** Rows from `from` on, inclusive. */
  logSince(shard: number, from: string, limit: number): Promise<LogSlice>
  /**
   * Calls `onRow` soon after rows are appended, as an accelerator: rows may be lost, repeated or reordered. Undefined
   * where the technology cannot. The returned function ends it; `close` does too.
   */
  subscribe?(onRow: (shard: number, row: LogRow) => void): Promise<() => Promise<void>>
  /**
   * Deletes the entries of a namespace whose stored key is `request.keyPrefix`, taken literally, followed by text that
   * `request.glob` matches: `*` any text, `?` one character, `\\` takes the next one literally, everything else stands
   * for itself; anchored at both ends. Finds them by looking at the whole keyspace of every server, in steps; what it
   * finds is deleted as `delete` does it, in batches. What is stored meanwhile may be missed, and a lease without an
   * entry is: outside all guarantees.
   */
  deletePattern?(namespace: NamespaceId, request: PatternRequest): Promise<PatternReply>
  /**
   * One step of a walk over the servers' keyspace that takes back the room of a namespace: its entries and leases there
   * are counted and, unless it is a dry run, deleted. The log is told nothing, so they must be dead by a clear before;
   * markers stay. Safe to repeat.
   */
  reclaim?(namespace: NamespaceId, request: ReclaimRequest): Promise<ReclaimStep>
  /** What the servers say about themselves. Never rejects: what cannot be learned is left out. */
  inspect?(): Promise<SharedInspection>
  /** Releases what the tier itself opened, never the user's client. */
  close(): Promise<void>
}

export interface SharedTierContext {
  readonly cacheName: string
  readonly clock: Clock
  readonly random: Random
}

/** What `redisTier(options)` returns: checked, frozen options that a cache opens once for itself. */
export interface SharedTierDefinition {
  readonly kind: 'shared'
  readonly name: string
  open(context: SharedTierContext): SharedTier
}
