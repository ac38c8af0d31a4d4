import type { Clock } from './clock.js'
import type { Random } from './random.js'

/** What a caller may use as a key: text, or a safe integer. `1` and `'1'` are two keys. */
export type Key = string | number

/** How an entry stands towards the invalidations that this process has applied. */
export type Standing = 'current' | 'stale' | 'dead'

/**
 * The invalidation state of one namespace, as far as a local tier needs it. `sequence` moves whenever a tag or clear
 * event is applied in this process; an entry that was judged at the present sequence needs no second look.
 */
export interface NamespaceView {
  /** The tenant's id; '' outside any tenant. */
  readonly tenant: string
  readonly sequence: number
  /** Judges an entry that was last judged at `seen`. 'stale' = softly invalidated since, 'dead' = as if absent. */
  standing(seen: number, tags: readonly string[] | undefined): Standing
  /** Since when (monotonic) an entry that is 'stale' is so; Infinity if it is not. */
  softenedAtMs(seen: number, tags: readonly string[] | undefined): number
}

/** A policy inside a namespace: what a local tier's index is asked with, together with the key. */
export interface SpaceView {
  /** Unique among the spaces of this cache while it lives; never used again. A safe integer from 1. */
  readonly id: number
  readonly namespace: NamespaceView
}

/** One value as a local tier keeps it. Times are those of the cache's monotonic clock, in milliseconds. */
export interface LocalEntry {
  readonly value: unknown
  /** Fresh before this moment. */
  readonly freshUntilMs: number
  /** Kept, as stale, this long after `freshUntilMs`. 0 = dropped when no longer fresh. */
  readonly staleMs: number
  /** When it was stored by its filler (wall clock): for people and for `ageMs`. */
  readonly storedAtMs: number
  /** The namespace's sequence at which the entry was known to be alive. */
  readonly seen: number
  readonly tags?: readonly string[] | undefined
  /** Size of the serialised value in bytes where the caller knows it; otherwise the tier estimates. */
  readonly bytes?: number | undefined
}

/** Why an entry left: no room, no time, by key, by tag or clear, replaced by a newer value, or refused as too large. */
export type RemovalReason = 'evicted' | 'expired' | 'deleted' | 'invalidated' | 'replaced' | 'refused'

/** What a tier is given when a cache opens it. */
export interface LocalTierContext {
  readonly cacheName: string
  readonly clock: Clock
  readonly random: Random
  /** Told about every entry that leaves for want of room or time ('evicted', 'expired', 'refused'). Must not throw. */
  readonly onRemoved: (space: SpaceView, reason: RemovalReason) => void
  /** Told when the tier gives up room because memory is short, and when it takes it back. Must not throw. */
  readonly onPressure?: (change: PressureChange) => void
}

/** Who leaves when there is no room: see `docs/evictions.md`. */
export type EvictionName = 'w-tinylfu' | 'lru' | 'fifo' | 'lfu' | 'sieve' | 's3-fifo'

/** A step of the memory tier under memory pressure. */
export interface PressureChange {
  /** 'shrunk' = less room than before, 'grown' = more, 'relieved' = all that was configured again. */
  readonly state: 'shrunk' | 'grown' | 'relieved'
  /** What was short: V8's heap limit, or the memory that the process may have. */
  readonly cause: 'heap' | 'rss'
  readonly usedBytes: number
  readonly limitBytes: number
  /** The room from now on. */
  readonly maxEntries: number
  readonly maxBytes: number
}

/**
 * Memory: synchronous, this process only. Holds what it is given until it expires, is deleted or must make room. Never
 * returns an entry whose standing is 'dead', nor, from `getFresh`, one that is expired or 'stale'.
 */
export interface MemoryTier {
  readonly kind: 'local'
  readonly name: 'memory'
  /** The hot path: a fresh and current value, else `undefined`, which no entry ever holds. Counts as a use. Allocates nothing. */
  getFresh(space: SpaceView, key: Key, nowMs: number): unknown
  /** Whatever is held and not dead, fresh or stale, or undefined. Counts as a use. */
  getEntry(space: SpaceView, key: Key, nowMs: number): LocalEntry | undefined
  /** Whatever is held, dead or over included. No use, and nothing leaves: for people who ask what is there. */
  look(space: SpaceView, key: Key): LocalEntry | undefined
  /** Stores or replaces. False: refused, because the entry alone is above the entry limit; what was held stays. */
  set(space: SpaceView, key: Key, entry: LocalEntry): boolean
  /** What one more reader gets of a value that others have as well: its own copy where values are cloned. */
  another(value: unknown): unknown
  /** True if something was held. */
  delete(space: SpaceView, key: Key): boolean
  /** Makes a fresh entry stale, since `nowMs` or earlier; one that keeps no stale window, or whose window is over, leaves. */
  expire(space: SpaceView, key: Key, nowMs: number, sinceMs?: number): void
  /** Drops everything. */
  clear(): void
  /** What is held now and the bounds it must keep to (Infinity where there is none). */
  usage(): LocalUsage
  /** What only this tier can tell. Walks over all tenants that hold something, if there are quotas. */
  details(): MemoryDetails
  /** Another eviction from now on; every entry stays. @throws InvalidOptionError */
  useEviction(name: EvictionName): void
  /** Releases timers. The tier is empty and unusable afterwards. */
  close(): void
}

export interface LocalUsage {
  readonly entries: number
  readonly bytes: number
  readonly maxEntries: number
  readonly maxBytes: number
}

export interface MemoryDetails {
  readonly eviction: EvictionName
  readonly pressure: {
    /** True while the tier keeps to less room than configured. */
    readonly isShrunk: boolean
    /** Steps down since the tier was opened. */
    readonly shrinks: number
    /** The room at present. */
    readonly maxEntries: number
    readonly maxBytes: number
  }
  /** The tenants that hold most, at most ten; absent without quotas. */
  readonly tenants?: readonly TenantUsage[] | undefined
}

/** What one tenant holds in memory. */
export interface TenantUsage {
  readonly tenant: string
  readonly entries: number
  /** 0 where sizes are not kept. */
  readonly bytes: number
  /** Entries that left for want of room since the tenant last held nothing. */
  readonly evicted: number
  /** Above its quota: the first to give way when somebody needs room. */
  readonly isOverQuota: boolean
}

/** What `memoryTier(options)` returns: checked, frozen options that a cache opens once for itself. */
export interface MemoryTierDefinition {
  readonly kind: 'local'
  readonly name: 'memory'
  open(context: LocalTierContext): MemoryTier
}
