import type { Invalidation } from './invalidate.js'
import { compareIds } from './log-sync.js'
import type { LogPosition } from './ports/shared-tier.js'

/** How long what this process had acknowledged may be lost by a failover: replicas lag by less. */
const KEPT_MS = 60_000
const MAX_KEPT = 1_000

/** What this process had acknowledged lately: it says it again when a server turns out to have forgotten it. */
export class OwnInvalidations {
  readonly #positions = new Map<number, LogPosition>()
  #kept: { readonly atMs: number; readonly invalidation: Invalidation }[] = []

  add(invalidation: Invalidation, nowMs: number): void {
    if (this.#kept.length >= 2 * MAX_KEPT) this.#kept = this.#kept.slice(-MAX_KEPT)
    this.#kept.push({ atMs: nowMs, invalidation })
  }

  /** A row of the log that is there, because it was acknowledged. */
  reached(position: LogPosition): void {
    const known = this.#positions.get(position.shard)
    const isNewer = known?.generation !== position.generation || compareIds(position.id, known.id) > 0
    if (isNewer) this.#positions.set(position.shard, position)
  }

  position(shard: number): LogPosition | undefined {
    return this.#positions.get(shard)
  }

  /** The log was taken up anew: what it should have reached before does not count any more. */
  forgetPosition(shard: number): void {
    this.#positions.delete(shard)
  }

  since(nowMs: number): Invalidation[] {
    return this.#kept
      .slice(-MAX_KEPT)
      .filter(({ atMs }) => nowMs - atMs <= KEPT_MS)
      .map(({ invalidation }) => invalidation)
  }
}
