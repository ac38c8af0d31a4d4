import type { FoundValue } from './found.js'
import type { Job } from './job.js'
import type { LocalParts } from './parts.js'
import type { Key } from './ports/local-tier.js'
import type { Space } from './space.js'

/**
 * The only way into and out of the local tiers. What a flight brings is kept unless an event poisoned the flight on
 * its way (races R4 and R6); what an event names leaves the tiers and poisons the flights in one step.
 */
export class LocalStore {
  readonly #parts: LocalParts

  constructor(parts: LocalParts) {
    this.#parts = parts
  }

  /** Keeps a flight's value; one that is too large for memory takes the older one's place by leaving it empty. */
  keep(job: Pick<Job, 'flight' | 'space' | 'key'>, found: FoundValue, bytes: number | undefined): void {
    const { memory } = this.#parts
    if (memory === undefined || job.flight.isPoisoned) return
    const standing = job.space.namespace.standing(found.seen, found.tags)
    if (standing === 'dead') return
    const isKept = memory.set(job.space, job.key, {
      value: found.value,
      freshUntilMs:
        standing === 'stale' ? Math.min(found.freshUntilMs, this.#parts.clock.coarseNow()) : found.freshUntilMs,
      staleMs: found.staleMs,
      storedAtMs: found.storedAtMs,
      seen: found.seen,
      tags: found.tags.length === 0 ? undefined : found.tags,
      bytes,
    })
    // A flight that began earlier must not put its older value in place of this one.
    for (let older = job.flight.older; older; older = older.older) older.invalidate(true)
    if (!isKept) memory.delete(job.space, job.key)
  }

  /** Drops an entry, or makes it stale, and poisons whatever is on its way here. */
  evict(space: Space, key: Key, soft: boolean): void {
    space.flights.poison(key, soft)
    if (soft) this.#parts.memory?.expire(space, key, this.#parts.clock.coarseNow())
    else this.#parts.memory?.delete(space, key)
  }
}
