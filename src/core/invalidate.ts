import { CacheError } from './errors.js'
import type { LocalStore } from './local-store.js'
import { encodeEntriesPayload, type LogEntry, MAX_KEYS_PER_LOG_ROW } from './log-entry.js'
import type { LogListener } from './log-sync.js'
import type { Namespace } from './namespace.js'
import type { Namespaces } from './namespaces.js'
import type { LocalParts } from './parts.js'
import type { Key } from './ports/local-tier.js'
import type { LogPosition, SharedTier } from './ports/shared-tier.js'
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
export class Invalidator implements LogListener {
  readonly #parts: LocalParts
  readonly #namespaces: Namespaces
  readonly #store: LocalStore
  readonly #ownOrigins = new Set<string>()
  readonly recent = new RecentInvalidations()
  count = 0

  constructor(parts: LocalParts, namespaces: Namespaces, store: LocalStore) {
    this.#parts = parts
    this.#namespaces = namespaces
    this.#store = store
  }

  /** @throws CacheError `SHARED_TIER_FAILED`: not acknowledged; evicted in this process only; safe to repeat. */
  async invalidate(invalidation: Invalidation): Promise<Receipt> {
    this.count++
    this.#applyHere(invalidation)
    const { shared } = this.#parts
    if (shared === undefined) {
      this.#tell(invalidation, 'local')
      return makeReceipt([])
    }
    const positions = await this.#acknowledged(() => this.#applyShared(invalidation, shared))
    for (const { space, key } of invalidation.entries) this.#store.evict(space, key, invalidation.soft)
    this.#tell(invalidation, 'local')
    return makeReceipt(positions)
  }

  /** The id of one invalidation or set: whose it is, and which. */
  newOrigin(): string {
    return this.#parts.sender + this.#parts.random.shortId()
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

  apply(entry: LogEntry, isOrdered: boolean): void {
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
    if (this.#ownOrigins.has(entry.origin)) {
      // Pub/sub may still repeat it; the log says it once.
      if (isOrdered) this.#ownOrigins.delete(entry.origin)
      return
    }
    const refs = entry.keys.map((key) => this.#namespaces.locate(namespace, key)).filter((ref) => ref !== undefined)
    for (const { space, key } of refs) this.#store.evict(space, key, entry.soft)
    this.#tell({ namespace, entries: refs, tags: [], clear: false, soft: entry.soft }, source, entry.origin)
  }

  discontinuity(shard: number): void {
    for (const namespace of this.#namespaces.all()) {
      if (this.#parts.shared?.shardOf(namespace.id) === shard) namespace.reset()
    }
  }

  #applyHere({ namespace, entries, tags, clear, soft }: Invalidation): void {
    for (const { space, key } of entries) this.#store.evict(space, key, soft)
    if (tags.length === 0 && !clear) return
    namespace.touch({ tags, clear, soft })
    namespace.detachFlights()
  }

  async #applyShared(
    { namespace, entries, tags, clear, soft }: Invalidation,
    shared: SharedTier,
  ): Promise<LogPosition[]> {
    const origin = this.newOrigin()
    const calls: Promise<LogPosition>[] = []
    for (let from = 0; from < entries.length; from += MAX_KEYS_PER_LOG_ROW) {
      const keys = entries
        .slice(from, from + MAX_KEYS_PER_LOG_ROW)
        .map(({ space, key }) => storedKey(space.prefix, key))
      const payload = encodeEntriesPayload({ namespace: namespace.id, origin, soft, keys })
      calls.push(shared.delete(namespace.id, keys, payload, soft).then(({ position }) => position))
    }
    if (tags.length > 0 || clear) calls.push(this.#bump(namespace, { tags, clear, soft, origin }, shared))
    return Promise.all(calls)
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

  async #acknowledged<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      throw new CacheError(
        'SHARED_TIER_FAILED',
        `The ${this.#parts.shared!.name} tier did not acknowledge an invalidation: other processes may still hold the old ` +
          'value. Repeat it; that is safe.',
        { cause },
      )
    }
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
