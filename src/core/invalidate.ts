import { CacheError, InvalidOptionError, notOnDisk } from './errors.js'
import type { LocalStore } from './local-store.js'
import { encodeEntriesPayload, type LogEntry, MAX_KEYS_PER_LOG_ROW } from './log-entry.js'
import type { Anchor, Discontinuity, Heard } from './log-sync.js'
import type { Namespace } from './namespace.js'
import type { Namespaces } from './namespaces.js'
import { OwnInvalidations } from './own-invalidations.js'
import type { LocalParts } from './parts.js'
import type { Key } from './ports/local-tier.js'
import type { LogPosition, PatternReply, SharedTier, StoredKey } from './ports/shared-tier.js'
import { makeReceipt, type Receipt } from './receipt.js'
import { RecentInvalidations, SENDER_LENGTH } from './recent-invalidations.js'
import type { Space } from './space.js'
import { storedKey } from './stored-key.js'

/** An entry by its space and canonical key. */
export interface EntryRef {
  readonly space: Space
  readonly key: Key
}

export interface Invalidation {
  readonly namespace: Namespace
  readonly entries: readonly EntryRef[]
  readonly tags: readonly string[]
  readonly clear: boolean
  readonly soft: boolean
  /** Source version of the rows behind the entries named: nothing older may be stored for the policy's replica lag. */
  readonly version?: string | undefined
}

/** What is said again to a server that forgot it: an epoch that is over, and what this process had acknowledged. */
export interface Repair {
  readonly namespace: Namespace
  readonly epoch: string | undefined
  readonly invalidations: readonly Invalidation[]
}

/** Own stores of this process whose log rows have not come by yet; the oldest is forgotten, which costs a miss. */
const MAX_OWN_ORIGINS = 10_000

/**
 * Invalidations, from here and from the log.
 *
 * The order is the guarantee: (1) evict and poison here, (2) delete data and lease in the shared tier, (3) append to
 * the log, (4) evict and poison here again: a read may have refilled memory between 1 and 2 (race R5). Only then is it
 * acknowledged. 2 and 3 are one call of the port, which keeps their order (R8).
 */
export class Invalidator {
  readonly #parts: LocalParts
  readonly #namespaces: Namespaces
  readonly #store: LocalStore
  readonly #ownOrigins = new Set<string>()
  readonly recent = new RecentInvalidations()
  readonly #own = new OwnInvalidations()

  constructor(parts: LocalParts, namespaces: Namespaces, store: LocalStore) {
    this.#parts = parts
    this.#namespaces = namespaces
    this.#store = store
  }

  /**
   * @throws CacheError `SHARED_TIER_FAILED`, `DISK_TIER_FAILED`: not acknowledged; evicted in this process only; safe to
   * repeat.
   */
  async invalidate(invalidation: Invalidation): Promise<Receipt> {
    const { positions, failed, error } = await this.#run(invalidation)
    if (failed !== undefined) throw error
    this.#tell(invalidation, 'local')
    this.#own.add(invalidation, this.#parts.clock.now())
    return makeReceipt(positions)
  }

  /** The id of one invalidation or set: whose it is, and which. */
  newOrigin(): string {
    return this.#parts.sender + this.#parts.random.shortId()
  }

  /** As `invalidate`, for entries only: what was acknowledged, and which entries were not, with the reason. */
  async invalidateEach(
    invalidation: Invalidation,
  ): Promise<{ receipt: Receipt; failed: readonly EntryRef[]; error: CacheError | undefined }> {
    const { positions, failed = [], error } = await this.#run(invalidation)
    const left = new Set(failed)
    const entries = invalidation.entries.filter((entry) => !left.has(entry))
    if (entries.length > 0) {
      this.#tell({ ...invalidation, entries }, 'local')
      this.#own.add({ ...invalidation, entries }, this.#parts.clock.now())
    }
    return { receipt: makeReceipt(positions), failed, error }
  }

  async #run(
    invalidation: Invalidation,
  ): Promise<{ positions: LogPosition[]; failed?: EntryRef[]; error?: CacheError }> {
    const { shared, disk } = this.#parts
    const { namespace, entries, soft } = invalidation
    if (disk !== undefined && !disk.isReady(namespace)) await disk.ready(namespace)
    this.#applyHere(invalidation)
    if (shared === undefined) {
      const isKept = disk === undefined || (await disk.tier.sync())
      return isKept ? { positions: [] } : { positions: [], failed: [...entries], error: notOnDisk('an invalidation') }
    }
    const calls = this.#calls(invalidation, shared)
    const settled = await Promise.allSettled(calls.map(({ done }) => done))
    for (const { space, key } of entries) this.#store.evict(space, key, soft)
    const positions = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    for (const position of positions) this.#own.reached(position)
    const reason = settled.find((one) => one.status === 'rejected')
    if (reason === undefined) return { positions }
    const failed = calls.flatMap(({ refs }, index) => (settled[index]!.status === 'rejected' ? refs : []))
    return { positions, failed, error: unacknowledged(shared.name, reason.reason) }
  }

  /**
   * What a pattern matches, found by a search through the shared tier: outside the guarantees, because what is stored
   * meanwhile may be missed.
   */
  async invalidatePattern(
    space: Space,
    { glob, signal }: { glob: string; signal: AbortSignal | undefined },
  ): Promise<PatternReply> {
    const { shared } = this.#parts
    if (shared?.deletePattern === undefined) {
      throw new InvalidOptionError({
        field: 'invalidatePattern',
        value: glob,
        rule: 'needs a shared tier that can search its keys; tags do the same in every cache',
      })
    }
    const { namespace, prefix } = space
    const origin = this.newOrigin()
    const found: StoredKey[] = []
    const payloadOf = (keys: readonly StoredKey[]): string => {
      found.push(...keys)
      return encodeEntriesPayload({ namespace: namespace.id, origin, soft: false, keys })
    }
    try {
      return await shared.deletePattern(namespace.id, { keyPrefix: `${prefix}|`, glob, payloadOf, signal })
    } catch (cause) {
      if (signal?.aborted) throw cause
      throw unacknowledged(shared.name, cause)
    } finally {
      for (const key of found) {
        const ref = this.#namespaces.locate(namespace, key)
        if (ref) this.#store.evict(ref.space, ref.key, false)
      }
    }
  }

  /** The log row that this origin writes names values of this process: they need not be evicted when it comes by. */
  expectOwn(origin: string): void {
    if (this.#ownOrigins.size >= MAX_OWN_ORIGINS) this.#ownOrigins.delete(this.#ownOrigins.values().next().value!)
    this.#ownOrigins.add(origin)
  }

  /** Its operation failed: the row, if there is one, is applied like anybody's. */
  forgetOwn(origin: string): void {
    this.#ownOrigins.delete(origin)
  }

  apply(entry: LogEntry, { isOrdered, atMs }: Heard): void {
    const isOwn = entry.type === 'entries' && this.#ownOrigins.has(entry.origin)
    // The disk may hold what no call of this process ever named.
    if (entry.type === 'entries' && !isOwn) this.#parts.disk?.remove(entry.keys, entry.soft)
    const namespace = this.#namespaces.find(entry.namespace)
    if (namespace === undefined) return
    const source = isOrdered ? 'log' : 'push'
    if (entry.type === 'bump') {
      if (!namespace.applyBump(entry, isOrdered)) return
      namespace.detachFlights()
      const { tags, clear, soft } = entry
      this.#tell({ namespace, entries: [], tags, clear, soft }, source, entry.origin)
      return
    }
    if (isOwn) {
      // Pub/sub may still repeat it; the log says it once.
      if (isOrdered) this.#ownOrigins.delete(entry.origin)
      return
    }
    const refs = entry.keys.map((key) => this.#namespaces.locate(namespace, key)).filter((ref) => ref !== undefined)
    for (const { space, key } of refs) this.#store.evict(space, key, entry.soft, atMs)
    this.#tell({ namespace, entries: refs, tags: [], clear: false, soft: entry.soft }, source, entry.origin)
  }

  acknowledged(shard: number, anchor: Anchor): Set<string> {
    return this.#own.behind(shard, anchor)
  }

  /** Everything local of a shard goes. After a rewind, answers what the server must be told again. */
  discontinuity(shard: number, cause: Discontinuity): Repair[] {
    this.#parts.disk?.distrust(shard)
    this.#own.forgetUnread(shard)
    const lost = cause === 'rewound' ? this.#own.since(this.#parts.clock.now()) : []
    const repairs: Repair[] = []
    for (const namespace of this.#namespaces.all()) {
      if (this.#parts.shared?.shardOf(namespace.id) !== shard) continue
      const { epoch } = namespace
      namespace.reset()
      if (cause !== 'rewound') continue
      const invalidations = lost.filter((one) => one.namespace === namespace)
      if (epoch !== undefined || invalidations.length > 0) repairs.push({ namespace, epoch, invalidations })
    }
    return repairs
  }

  /**
   * Again, once nobody has acknowledged it: what was read meanwhile is what the shared tier still has, and alive by all that
   * is known (R4, R5). No tags are known of what is on its way, so none of it is kept.
   */
  forgetHere(invalidation: Invalidation): void {
    const { namespace, tags, clear } = invalidation
    this.#applyHere(invalidation)
    if (tags.length > 0 || clear) namespace.poisonFlights()
  }

  #applyHere({ namespace, entries, tags, clear, soft }: Invalidation): void {
    for (const { space, key } of entries) this.#store.evict(space, key, soft)
    if (tags.length === 0 && !clear) return
    if (!this.#parts.disk?.bump(namespace, { tags, clear, soft })) namespace.touch({ tags, clear, soft })
    namespace.detachFlights()
  }

  /** Every call that it takes, sent at once: one for each row of the log. */
  #calls(
    { namespace, entries, tags, clear, soft, version }: Invalidation,
    shared: SharedTier,
  ): { refs: EntryRef[]; done: Promise<LogPosition> }[] {
    const origin = this.newOrigin()
    const calls: { refs: EntryRef[]; done: Promise<LogPosition> }[] = []
    for (const refs of rowsOf(entries)) {
      const keys = refs.map(({ space, key }) => storedKey(space.prefix, key))
      const payload = encodeEntriesPayload({ namespace: namespace.id, origin, soft, keys })
      const lag = refs[0]!.space.policy.rules.replicaLag
      const marker = lag && { version: version ?? '0', keepMs: lag.maxMs }
      const done = shared.delete(namespace.id, keys, payload, soft, marker).then(({ position }) => position)
      calls.push({ refs, done })
    }
    if (tags.length > 0 || clear) {
      calls.push({ refs: [], done: this.#bump(namespace, { tags, clear, soft, origin }, shared) })
    }
    return calls
  }

  async #bump(
    namespace: Namespace,
    event: { tags: readonly string[]; clear: boolean; soft: boolean; origin: string },
    shared: SharedTier,
  ): Promise<LogPosition> {
    const { epoch, clock, position } = await shared.bump({
      namespace: namespace.id,
      horizonMs: this.#horizonMs(),
      ...event,
    })
    // News unless the log or pub/sub was quicker: a read that began before the bump may have refilled memory (R5).
    if (namespace.applyBump({ ...event, epoch, clock }, true)) namespace.detachFlights()
    return position
  }

  /** No entry of any policy known here lives longer. */
  #horizonMs(): number {
    let longest = 60_000
    for (const { rules } of this.#namespaces.policies) {
      longest = Math.max(longest, rules.ttlMs * (1 + rules.jitter) + rules.staleMs)
    }
    return longest
  }

  #tell(
    { namespace, entries, tags, clear, soft }: Invalidation,
    source: 'local' | 'log' | 'push',
    origin = this.#parts.sender,
  ): void {
    const { events, clock } = this.#parts
    const told = { tags, entries: entries.length, clear, soft, source }
    const sender = origin.slice(0, SENDER_LENGTH)
    this.recent.add({ ...told, atMs: clock.wallNow(), sender, namespaceId: namespace.id, refs: entries })
    if (!events.hears('invalidated')) return
    events.emit({ type: 'invalidated', tenant: namespace.tenant, ...told })
  }
}

/** Entries by the rows of the log that name them: of one replica lag, because a row's keys share their marker. */
function rowsOf(entries: readonly EntryRef[]): EntryRef[][] {
  const byLag = new Map<number | undefined, EntryRef[]>()
  for (const entry of entries) {
    const lag = entry.space.policy.rules.replicaLag?.maxMs
    const same = byLag.get(lag)
    if (same) same.push(entry)
    else byLag.set(lag, [entry])
  }
  return [...byLag.values()].flatMap((same) =>
    Array.from({ length: Math.ceil(same.length / MAX_KEYS_PER_LOG_ROW) }, (_, row) =>
      same.slice(row * MAX_KEYS_PER_LOG_ROW, (row + 1) * MAX_KEYS_PER_LOG_ROW),
    ),
  )
}

function unacknowledged(tier: string, cause: unknown): CacheError {
  return new CacheError(
    'SHARED_TIER_FAILED',
    `The ${tier} tier did not acknowledge an invalidation: other processes may still hold the old value. Repeat it; that ` +
      'is safe.',
    { cause },
  )
}
