import type { FoundValue } from './found.js'
import type { LogSync } from './log-sync.js'
import type { CacheParts } from './parts.js'
import type { ReadRequest } from './read-request.js'
import type { RecentLoads } from './recent-loads.js'

/** What memory may say to a read: whatever it holds, as far as that is provably recent enough. */
export class MemoryReader {
  readonly #parts: CacheParts
  readonly #recent: RecentLoads | undefined

  /** `recent`: only with a shared tier. */
  constructor(parts: CacheParts, recent: RecentLoads | undefined) {
    this.#parts = parts
    this.#recent = recent
  }

  /** True if memory holds nothing for this read and nothing must be awaited to know that. Then `look` finds nothing. */
  lacks({ space, key }: ReadRequest): boolean {
    const { memory, disk, sync, clock } = this.#parts
    if (disk !== undefined && !disk.isReady(space.namespace)) return false
    if (sync !== undefined && !sync.isAnchored) return false
    return memory === undefined || memory.getEntry(space, key, clock.now()) === undefined
  }

  /** What memory may say about a key at this level: fresh, stale, or nothing. */
  async look(request: ReadRequest): Promise<FoundValue | undefined> {
    const { memory, disk, sync, clock } = this.#parts
    const startedAt = clock.now()
    const { space, key, level } = request
    await disk?.ready(space.namespace)
    const holds = (): boolean => memory?.getEntry(space, key, clock.now()) !== undefined
    const isAtHand = (): boolean => level === 'bounded' && holds() && this.#isProven(request, startedAt)
    if (sync !== undefined && !sync.isAnchored && !(sync.isFailing && isAtHand())) await sync.sync()
    if (memory === undefined || (level === 'strict' && sync !== undefined) || !holds()) return undefined
    if (sync !== undefined && level === 'bounded' && !(await this.#mayAnswer(request, sync, startedAt)))
      return undefined
    const entry = memory.getEntry(space, key, clock.now())
    if (entry === undefined) return undefined
    const state = clock.now() < entry.freshUntilMs ? 'fresh' : 'stale'
    // Named one by one: spreading the entry costs several times as much as the rest of a hit.
    return {
      state,
      value: entry.value,
      source: memory.name,
      freshUntilMs: entry.freshUntilMs,
      staleMs: entry.staleMs,
      storedAtMs: entry.storedAtMs,
      tags: entry.tags ?? [],
      seen: space.namespace.sequence,
      provenAtMs: this.#recent?.provenAtMs(space, key) ?? Number.NEGATIVE_INFINITY,
      isStored: true,
      heldAt: space.flights.keyEvents,
    }
  }

  /**
   * True if what memory holds is within the bound: by the last sync, by its own load, by a sync now, or, while the log
   * cannot be followed and the cache was told to serve on, within the limit of an outage.
   */
  async #mayAnswer(request: ReadRequest, sync: LogSync, startedAt: number): Promise<boolean> {
    if (sync.isCurrent(startedAt)) return true
    if (this.#isProven(request, startedAt)) {
      sync.nudge()
      return true
    }
    const { outageMaxStaleMs } = this.#parts
    const mayServeOn = (): boolean =>
      sync.isFailing && outageMaxStaleMs > 0 && this.#isProven(request, startedAt, outageMaxStaleMs)
    if (mayServeOn()) sync.nudge()
    // A sync that was under way already may have been sent too long ago.
    else if ((await sync.sync()) && sync.isCurrent(startedAt)) return true
    else if (this.#isProven(request, startedAt)) return true
    if (!mayServeOn()) return false
    this.#parts.tiers.outageHits++
    return true
  }

  #isProven({ space, key }: ReadRequest, nowMs: number, boundMs?: number): boolean {
    const { sync } = this.#parts
    return sync?.covers(this.#recent?.provenAtMs(space, key) ?? Number.NEGATIVE_INFINITY, nowMs, boundMs) ?? true
  }
}
