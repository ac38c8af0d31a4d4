import type { Invalidation } from './invalidate.js'
import { type Anchor, compareIds } from './log-sync.js'
import type { LogPosition } from './ports/shared-tier.js'

/** How long what this process had acknowledged may be lost by a failover: replicas lag by less. */
const KEPT_MS = 60_000
const MAX_KEPT = 1_000

/** What this process had acknowledged lately: it says it again when a server turns out to have forgotten it. */
export class OwnInvalidations {
  /** By shard: rows that were not seen in the log yet. */
  readonly #unread = new Map<number, LogPosition[]>()
  #kept: { readonly atMs: number; readonly invalidation: Invalidation }[] = []

  add(invalidation: Invalidation, nowMs: number): void {
    if (this.#kept.length >= 2 * MAX_KEPT) this.#kept = this.#kept.slice(-MAX_KEPT)
    this.#kept.push({ atMs: nowMs, invalidation })
  }

  /** A row of the log that is there, because it was acknowledged. */
  reached(position: LogPosition): void {
    const unread = this.#unread.get(position.shard) ?? []
    unread.push(position)
    // A process that never reads follows no log.
    this.#unread.set(position.shard, unread.length > 2 * MAX_KEPT ? unread.slice(-MAX_KEPT) : unread)
  }

  /** Ids of those that must come behind an anchor. */
  behind(shard: number, { generation, row }: Anchor): Set<string> {
    const left = (this.#unread.get(shard) ?? []).filter(
      (position) => position.generation === generation && compareIds(position.id, row?.id ?? '0-0') > 0,
    )
    this.#unread.set(shard, left)
    return new Set(left.map(({ id }) => id))
  }

  /** The log was taken up anew: what it should have reached before does not count any more. */
  forgetUnread(shard: number): void {
    this.#unread.delete(shard)
  }

  since(nowMs: number): Invalidation[] {
    return this.#kept
      .slice(-MAX_KEPT)
      .filter(({ atMs }) => nowMs - atMs <= KEPT_MS)
      .map(({ invalidation }) => invalidation)
  }
}
