import type { FoundValue } from './found.js'
import type { Job } from './job.js'
import type { LocalParts } from './parts.js'
import type { Key } from './ports/local-tier.js'
import type { RecentLoads } from './recent-loads.js'
import type { Space } from './space.js'

/**
 * The only way into and out of the local tiers. What a flight brings is kept unless an event poisoned the flight on
 * its way (races R4 and R6); what an event names leaves the tiers and poisons the flights in one step.
 */
export class LocalStore {
  readonly #parts: LocalParts
  readonly #recent: RecentLoads | undefined

  /** `recent`: only with a shared tier, whose log may be out of reach. */
  constructor(parts: LocalParts, recent: RecentLoads | undefined) {
    this.#parts = parts
    this.#recent = recent
  }

  /** Keeps a flight's value unless it was poisoned on its way. True if memory has it now. */
  keep(job: Pick<Job, 'flight' | 'space' | 'key'>, found: FoundValue, bytes: number | undefined): boolean {
    if (job.flight.isPoisoned) return false
    const isKept = this.put(job, found, bytes)
    // A flight that began earlier must not put its older value in place of this one.
    if (isKept) for (let older = job.flight.older; older; older = older.older) older.invalidate(true)
    return isKept
  }

  /** Puts a value into the local tiers unless it died; one that is too large takes the older one's place by leaving it empty. */
  put({ space, key }: Pick<Job, 'space' | 'key'>, found: FoundValue, bytes: number | undefined): boolean {
    const { memory, disk, clock } = this.#parts
    if (memory === undefined && disk === undefined) return false
    const standing = space.namespace.standing(found.seen, found.tags)
    if (standing === 'dead') return false
    const isOnDisk = disk !== undefined && (found.source === disk.tier.name || disk.keep(space, key, found, standing))
    if (memory === undefined) return isOnDisk
    const isKept = memory.set(space, key, {
      value: found.value,
      freshUntilMs:
        standing === 'stale'
          ? Math.min(found.freshUntilMs, space.namespace.softenedAtMs(found.seen, found.tags))
          : found.freshUntilMs,
      staleMs: found.staleMs,
      storedAtMs: found.storedAtMs,
      seen: found.seen,
      tags: found.tags.length === 0 ? undefined : found.tags,
      bytes,
    })
    if (isKept) this.#recent?.note(space, key, { provenAtMs: found.provenAtMs, nowMs: clock.now() })
    else {
      memory.delete(space, key)
      this.#recent?.forget(space, key)
    }
    return isKept || isOnDisk
  }

  /** Drops an entry, or makes it stale, and poisons whatever is on its way here. */
  evict(space: Space, key: Key, soft: boolean): void {
    space.flights.poison(key, soft)
    this.#recent?.forget(space, key)
    if (soft) this.#parts.memory?.expire(space, key, this.#parts.clock.coarseNow())
    else this.#parts.memory?.delete(space, key)
    this.#parts.disk?.evict(space, key, soft)
  }
}
