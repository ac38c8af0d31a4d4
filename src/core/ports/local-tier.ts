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
  readonly sequence: number
  /** Judges an entry that was last judged at `seen`. 'stale' = softly invalidated since, 'dead' = as if absent. */
  standing(seen: number, tags: readonly string[] | undefined): Standing
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
  /** Stores or replaces. False: refused, because the entry alone is above the entry limit; what was held stays. */
  set(space: SpaceView, key: Key, entry: LocalEntry): boolean
  /** True if something was held. */
  delete(space: SpaceView, key: Key): boolean
  /** Makes a fresh entry stale from `nowMs` on; one that keeps no stale window leaves. */
  expire(space: SpaceView, key: Key, nowMs: number): void
  /** Drops everything. */
  clear(): void
  /** What is held now and the bounds it must keep to (Infinity where there is none). */
  usage(): LocalUsage
  /** Releases timers. The tier is empty and unusable afterwards. */
  close(): void
}

export interface LocalUsage {
  readonly entries: number
  readonly bytes: number
  readonly maxEntries: number
  readonly maxBytes: number
}

/** What `memoryTier(options)` returns: checked, frozen options that a cache opens once for itself. */
export interface MemoryTierDefinition {
  readonly kind: 'local'
  readonly name: 'memory'
  open(context: LocalTierContext): MemoryTier
}
