import type { FoundValue } from './found.js'
import type { Job } from './job.js'
import type { LocalParts } from './parts.js'
import type { Key } from './ports/local-tier.js'
import type { RecentLoads } from './recent-loads.js'
import type { Space } from './space.js'

/** What became of a value that was to be kept here. 'not': it died meanwhile, or there is no tier that could have it. */
export type Kept = 'kept' | 'too-large' | 'not'

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

  /** Keeps a flight's value unless it was poisoned on its way. */
  keep(job: Pick<Job, 'flight' | 'space' | 'key'>, found: FoundValue, bytes: number | undefined): Kept {
    if (job.flight.isPoisoned) return 'not'
    const kept = this.put(job, found, bytes)
    // A flight that began earlier must not put its older value in place of this one.
    if (kept === 'kept') for (let older = job.flight.older; older; older = older.older) older.invalidate(true)
    return kept
  }

  /** Puts a value into the local tiers unless it died; one that is too large takes the older one's place by leaving it empty. */
  put({ space, key }: Pick<Job, 'space' | 'key'>, found: FoundValue, bytes: number | undefined): Kept {
    const { memory, disk, clock } = this.#parts
    if (memory === undefined && disk === undefined) return 'not'
    const standing = space.namespace.standing(found.seen, found.tags)
    if (standing === 'dead') return 'not'
    const onDisk = disk && (found.source === disk.tier.name ? 'kept' : disk.keep(space, key, found, standing))
    if (memory === undefined) return onDisk!
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
    return isKept || onDisk === 'kept' ? 'kept' : 'too-large'
  }

  /** Drops an entry, or makes it stale since `atMs`, and poisons whatever is on its way here. */
  evict(space: Space, key: Key, soft: boolean, atMs = this.#parts.clock.coarseNow()): void {
    space.flights.poison(key, soft)
    this.#recent?.forget(space, key)
    if (soft) this.#parts.memory?.expire(space, key, this.#parts.clock.coarseNow(), atMs)
    else this.#parts.memory?.delete(space, key)
    this.#parts.disk?.evict(space, key, soft)
  }
}
