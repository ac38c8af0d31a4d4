import type { MemoryReadings } from './memory-readings.js'

/** Shares of the heap limit that survived a collection: from here on give up room, below this take it back. */
const HEAP_HIGH = 0.72
const HEAP_LOW = 0.55
/** Share of the heap limit, all pages with all garbage, at which nobody can wait for a collection. */
const HEAP_CRITICAL = 0.9
/** Share of the young generation that may be promoted at once: half of what the tier is given, as a rule, is garbage. */
const PROMOTED = 1 / 2
const RSS_HIGH = 0.9
const RSS_LOW = 0.75
/** A reading lower than the one before by this share shows that V8 has collected. */
const COLLECTED = 0.02
/** A critical heap is answered again once it has grown by this share of its limit. */
const GROWN = 0.01
/** What was given up shows in resident memory late, if at all. */
const RSS_PAUSE_MS = 5_000
const GROW_PAUSE_MS = 5_000
/** Stores between two looks at the heap. */
const FIRST_STRIDE = 16
const MAX_STRIDE = 256
/** A look comes before this part of what is left was used up, at the pace of late. */
const PART_OF_HEADROOM = 1 / 8

export interface PressureFinding {
  readonly advice: 'shrink' | 'grow'
  readonly cause: 'heap' | 'rss'
  readonly usedBytes: number
  readonly limitBytes: number
}

/**
 * Tells when memory is so short that the tier should hold less, and when it may hold more again.
 *
 * What counts of the heap is what survives a collection: the rest is garbage that V8 hasn't looked for yet. A collection
 * shows as a reading lower than the one before. After a step nothing more is asked for until the next collection has
 * shown what it brought, unless the heap is about to overflow. Between high and low nothing happens, so that it doesn't
 * swing.
 *
 * ```
 *   live heap ≥ 72 %, or heap ≥ 90 %, or resident ≥ 90 %   shrink by a fifth, again after the next collection
 *   live heap < 55 % and resident < 75 % for 5 s           grow by a tenth, every 5 s
 * ```
 */
export class MemoryPressure {
  readonly #readings: MemoryReadings
  #storesLeft = FIRST_STRIDE
  #stride = FIRST_STRIDE
  #lastUsed = 0
  #lastOld = 0
  #lastTaken = 0
  #growthPerStore = 0
  /** What the latest collection left, with half of what is free on its pages. */
  #live = 0
  #isSettled = true
  #oldAtShrink = 0
  #shrunkAtMs = Number.NEGATIVE_INFINITY
  #grownAtMs = Number.NEGATIVE_INFINITY
  #cause: 'heap' | 'rss' = 'heap'

  constructor(readings: MemoryReadings) {
    this.#readings = readings
  }

  /** True if it is time to look again: asked at every store. */
  isDue(): boolean {
    return --this.#storesLeft <= 0
  }

  /** A look at the heap between stores, also in a process that never gets to its timers. */
  afterStores(nowMs: number): PressureFinding | undefined {
    const before = this.#lastUsed
    const { usedBytes, limitBytes } = this.#observe()
    this.#growthPerStore = Math.max((usedBytes - before) / this.#stride, this.#growthPerStore / 2)
    const headroom = Math.max(0, HEAP_CRITICAL * limitBytes - usedBytes)
    const stores = (headroom * PART_OF_HEADROOM) / Math.max(1, this.#growthPerStore)
    this.#stride = this.#storesLeft = Math.max(1, Math.min(MAX_STRIDE, Math.floor(stores)))
    return this.#heapFinding(usedBytes, limitBytes, nowMs)
  }

  /** A look at everything, now and then. `isShrunk`: there is something to take back. */
  atPulse(nowMs: number, isShrunk: boolean): PressureFinding | undefined {
    const { usedBytes, limitBytes } = this.#observe()
    const heap = this.#heapFinding(usedBytes, limitBytes, nowMs)
    if (heap) return heap
    const { rssLimitBytes } = this.#readings
    const rss = this.#readings.rssBytes()
    if (rss >= RSS_HIGH * rssLimitBytes) {
      if (nowMs - this.#shrunkAtMs < RSS_PAUSE_MS) return undefined
      return this.#shrink({ advice: 'shrink', cause: 'rss', usedBytes: rss, limitBytes: rssLimitBytes }, nowMs)
    }
    const isCalm = this.#live < HEAP_LOW * limitBytes && usedBytes < HEAP_HIGH * limitBytes
    if (!isShrunk || !isCalm || rss >= RSS_LOW * rssLimitBytes) return undefined
    if (nowMs - Math.max(this.#shrunkAtMs, this.#grownAtMs) < GROW_PAUSE_MS) return undefined
    this.#grownAtMs = nowMs
    return this.#cause === 'heap'
      ? { advice: 'grow', cause: 'heap', usedBytes: this.#live, limitBytes }
      : { advice: 'grow', cause: 'rss', usedBytes: rss, limitBytes: rssLimitBytes }
  }

  /** `usedBytes` of the answer: all pages, which is what V8 holds against its limit, with what may soon come to them. */
  #observe(): { usedBytes: number; limitBytes: number } {
    const { youngBytes, usedBytes, committedBytes, limitBytes } = this.#readings.heap()
    // Part of what is free on pages can't be used: large values fill a page badly.
    const taken = (usedBytes + committedBytes) / 2
    const isCollected = taken < this.#lastTaken - COLLECTED * limitBytes
    if (isCollected) this.#isSettled = true
    // Pages are swept little by little after a collection.
    this.#live = isCollected ? taken : Math.min(this.#live, taken)
    this.#lastTaken = taken
    this.#lastOld = Math.max(usedBytes, committedBytes)
    this.#lastUsed = this.#lastOld + PROMOTED * youngBytes
    return { usedBytes: this.#lastUsed, limitBytes }
  }

  #heapFinding(usedBytes: number, limitBytes: number, nowMs: number): PressureFinding | undefined {
    const isCritical = usedBytes >= HEAP_CRITICAL * limitBytes
    const isHigh = this.#live >= HEAP_HIGH * limitBytes
    if (!isCritical && !isHigh) return undefined
    const mayAct = this.#isSettled || (isCritical && this.#lastOld >= this.#oldAtShrink + GROWN * limitBytes)
    if (!mayAct) return undefined
    return this.#shrink({ advice: 'shrink', cause: 'heap', usedBytes, limitBytes }, nowMs)
  }

  #shrink(finding: PressureFinding, nowMs: number): PressureFinding {
    this.#isSettled = false
    this.#oldAtShrink = this.#lastOld
    this.#shrunkAtMs = nowMs
    this.#cause = finding.cause
    return finding
  }
}
