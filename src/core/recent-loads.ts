import type { Key } from './ports/local-tier.js'
import type { Space } from './space.js'

/** Loads remembered in one generation; there are two. */
const MAX_LOADS = 10_000

/**
 * When the values were loaded that came to memory lately: for the staleness bound a value is as good as the later of
 * the last look at the log and the moment its load began. So what a process fills while the log is out of reach may
 * answer for as long as the bound allows.
 *
 * Kept beside memory, because it matters for so few entries and so short a time. A load that is forgotten costs a miss.
 */
export class RecentLoads {
  readonly #spanMs: number
  #young = new Map<Space, Map<Key, number>>()
  #old = new Map<Space, Map<Key, number>>()
  #youngSize = 0
  #youngSinceMs = Number.NEGATIVE_INFINITY

  /** `spanMs`: how long a load is of interest. */
  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  /** A value came to memory: everything acknowledged before `provenAtMs` is in it. -Infinity: nothing is known. */
  note(space: Space, key: Key, { provenAtMs, nowMs }: { provenAtMs: number; nowMs: number }): void {
    this.forget(space, key)
    if (nowMs - provenAtMs > this.#spanMs) return
    if (this.#youngSize >= MAX_LOADS || nowMs - this.#youngSinceMs > this.#spanMs) this.#turn(nowMs)
    const loads = this.#young.get(space) ?? new Map<Key, number>()
    this.#young.set(space, loads.set(key, provenAtMs))
    this.#youngSize++
  }

  /** -Infinity if nothing is known. */
  provenAtMs(space: Space, key: Key): number {
    return this.#young.get(space)?.get(key) ?? this.#old.get(space)?.get(key) ?? Number.NEGATIVE_INFINITY
  }

  forget(space: Space, key: Key): void {
    if (this.#young.get(space)?.delete(key)) this.#youngSize--
    this.#old.get(space)?.delete(key)
  }

  #turn(nowMs: number): void {
    this.#old = this.#young
    this.#young = new Map()
    this.#youngSize = 0
    this.#youngSinceMs = nowMs
  }
}
