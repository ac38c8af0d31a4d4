import type { Events } from './events.js'
import type { Invalidation, Repair } from './invalidate.js'
import type { LogSync } from './log-sync.js'
import type { Namespace } from './namespace.js'
import type { CancelTimer, Clock } from './ports/clock.js'
import type { Key } from './ports/local-tier.js'
import type { Space } from './space.js'

/** Keys and tags that wait at once; above it the largest namespace is cleared instead, so that nothing is lost. */
const MAX_QUEUED = 10_000
const MAX_QUEUED_NAMESPACES = 10_000
const RETRY_MS = 500

/** What waits for one namespace; a hard invalidation of the same key or tag outlives a soft one. */
class Waiting {
  readonly keys = new Map<Space, Map<Key, { soft: boolean; version: string | undefined }>>()
  readonly tags = new Map<string, { soft: boolean }>()
  clear = false
  /** An epoch that must be over, because the server has forgotten some of its clocks. */
  epoch: string | undefined

  get size(): number {
    let size = this.tags.size + (this.clear ? 1 : 0) + (this.epoch === undefined ? 0 : 1)
    for (const keys of this.keys.values()) size += keys.size
    return size
  }

  add({ entries, tags, clear, soft, version }: Invalidation): void {
    if (clear) this.becomeClear()
    if (this.clear) return
    for (const { space, key } of entries) {
      const keys = this.keys.get(space) ?? new Map<Key, { soft: boolean; version: string | undefined }>()
      const known = keys.get(key)
      keys.set(key, { soft: soft && known?.soft !== false, version: laterVersion(version, known?.version) })
      this.keys.set(space, keys)
    }
    for (const tag of tags) this.tags.set(tag, { soft: soft && this.tags.get(tag)?.soft !== false })
  }

  becomeClear(): void {
    this.clear = true
    this.keys.clear()
    this.tags.clear()
  }

  /** As invalidations that say the same: hard and soft ones apart, and the keys of each version. */
  *invalidations(namespace: Namespace): Generator<Invalidation> {
    const empty = { namespace, entries: [], tags: [], clear: false, soft: false }
    if (this.clear) yield { ...empty, clear: true }
    const all = [...this.keys].flatMap(([space, keys]) => [...keys].map(([key, how]) => ({ space, key, ...how })))
    for (const soft of [false, true]) {
      const tags = [...this.tags].filter(([, how]) => how.soft === soft).map(([tag]) => tag)
      const entries = all.filter((one) => one.soft === soft)
      for (const version of new Set(entries.map((one) => one.version)))
        yield { ...empty, entries: entries.filter((one) => one.version === version), soft, version }
      for (let from = 0; from < tags.length; from += 64) yield { ...empty, tags: tags.slice(from, from + 64), soft }
    }
  }
}

/**
 * Invalidations that nobody acknowledged and whose callers asked to have them delivered later.
 *
 * While any waits, this process reads nothing from the shared tier: it would read back what it has invalidated. The
 * order of recovery is: follow the log, deliver, read. Delivering is tried by a timer and by every read.
 */
export class InvalidationQueue {
  readonly #clock: Clock
  readonly #events: Events
  readonly #sync: LogSync
  readonly #retryMs: number
  readonly #deliver: (invalidation: Invalidation) => Promise<unknown>
  readonly #endEpoch: (namespace: Namespace, epoch: string) => Promise<unknown>
  readonly #waiting = new Map<Namespace, Waiting>()
  /** Taken from the waiting ones, not yet acknowledged. */
  #sending: Waiting | undefined
  #waitingSize = 0
  #running: Promise<boolean> | undefined
  #failedAtMs = Number.NEGATIVE_INFINITY
  #cancelTimer: CancelTimer | undefined
  #isOver = false

  constructor(parts: {
    clock: Clock
    events: Events
    sync: LogSync
    retryMs: number
    deliver: (invalidation: Invalidation) => Promise<unknown>
    endEpoch: (namespace: Namespace, epoch: string) => Promise<unknown>
  }) {
    this.#clock = parts.clock
    this.#events = parts.events
    this.#sync = parts.sync
    this.#retryMs = Math.max(RETRY_MS, parts.retryMs)
    this.#deliver = parts.deliver
    this.#endEpoch = parts.endEpoch
  }

  /** Keys, tags and clears that wait. */
  get size(): number {
    return this.#waitingSize + (this.#sending?.size ?? 0)
  }

  /** False if there is no room, not even to clear a namespace: it was not queued. */
  add(invalidation: Invalidation): boolean {
    const { namespace, tags, entries, clear } = invalidation
    if (!this.#hasRoomFor(namespace)) return false
    this.#put(invalidation)
    if (this.#events.hears('invalidation-queued')) {
      const { tenant } = namespace
      this.#events.emit({ type: 'invalidation-queued', tenant, tags, entries: entries.length, clear })
    }
    this.#cancelTimer ??= this.#schedule()
    return true
  }

  /**
   * A server turned out to have forgotten what it had acknowledged: what is known to be lost is said again before this
   * process reads from it, and each namespace gets a new epoch, since clocks of the old one may be given out twice.
   * Of many processes that see it one ends the epoch.
   */
  repair(repairs: readonly Repair[]): void {
    for (const { namespace, epoch, invalidations } of repairs) {
      if (!this.#hasRoomFor(namespace)) continue
      for (const invalidation of invalidations) this.#put(invalidation)
      if (epoch !== undefined) this.#putEpoch(namespace, epoch)
      this.#cancelTimer ??= this.#schedule()
    }
    if (repairs.length > 0) void this.#attempt()
  }

  /** True once nothing waits any more. Shared by all who ask; who asks just after a failure is not kept waiting. */
  deliver(): Promise<boolean> {
    if (this.size === 0) return Promise.resolve(true)
    if (this.#running === undefined && this.#clock.now() - this.#failedAtMs < this.#retryMs / 2)
      return Promise.resolve(false)
    return this.#attempt()
  }

  /** Tries until nothing waits or `untilMs` has come. Answers what is left. */
  async drain(untilMs: number): Promise<number> {
    while (!(await this.#attempt()) && this.#clock.now() < untilMs) {
      await new Promise<void>((resolve) => {
        this.#clock.setTimer(resolve, Math.min(this.#retryMs / 2, untilMs - this.#clock.now()))
      })
    }
    this.#isOver = true
    this.#cancelTimer?.()
    return this.size
  }

  #attempt(): Promise<boolean> {
    this.#running ??= this.#deliverAll().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #deliverAll(): Promise<boolean> {
    // What others invalidated meanwhile comes first; a log that is out of reach means: the server is.
    let isUp = this.size === 0 || (await this.#sync.freshSync())
    for (let next = this.#take(); isUp && next !== undefined; next = this.#take()) {
      const [namespace, waiting] = next
      isUp = await this.#send(namespace, waiting)
    }
    if (!isUp) this.#failedAtMs = this.#clock.now()
    return isUp
  }

  async #send(namespace: Namespace, waiting: Waiting): Promise<boolean> {
    this.#waiting.delete(namespace)
    this.#waitingSize -= waiting.size
    this.#sending = waiting
    const { tenant } = namespace
    const count = waiting.size
    try {
      if (waiting.epoch !== undefined) await this.#endEpoch(namespace, waiting.epoch)
      for (const invalidation of waiting.invalidations(namespace)) await this.#deliver(invalidation)
      if (this.#events.hears('invalidation-delivered'))
        this.#events.emit({ type: 'invalidation-delivered', tenant, count })
      return true
    } catch {
      for (const invalidation of waiting.invalidations(namespace)) this.#put(invalidation)
      if (waiting.epoch !== undefined) this.#putEpoch(namespace, waiting.epoch)
      return false
    } finally {
      this.#sending = undefined
    }
  }

  #hasRoomFor(namespace: Namespace): boolean {
    return this.#waiting.has(namespace) || this.#waiting.size < MAX_QUEUED_NAMESPACES
  }

  #putEpoch(namespace: Namespace, epoch: string): void {
    const waiting = this.#waiting.get(namespace) ?? new Waiting()
    this.#waiting.set(namespace, waiting)
    if (waiting.epoch === undefined) this.#waitingSize++
    waiting.epoch = epoch
  }

  #take(): [Namespace, Waiting] | undefined {
    return this.#waiting.entries().next().value
  }

  #put(invalidation: Invalidation): void {
    const { namespace } = invalidation
    const waiting = this.#waiting.get(namespace) ?? new Waiting()
    this.#waiting.set(namespace, waiting)
    this.#waitingSize -= waiting.size
    waiting.add(invalidation)
    this.#waitingSize += waiting.size
    while (this.#waitingSize > MAX_QUEUED) {
      const [largest] = [...this.#waiting.values()].sort((a, b) => b.size - a.size)
      if (largest === undefined || largest.size <= 2) return
      this.#waitingSize -= largest.size
      largest.becomeClear()
      this.#waitingSize += largest.size
    }
  }

  #schedule(): CancelTimer {
    return this.#clock.setHousekeepingTimer(() => {
      this.#cancelTimer = undefined
      void this.#attempt().then((isDone) => {
        // The last attempt before `close` may have been under way when this one was due.
        if (!isDone && !this.#isOver) this.#cancelTimer ??= this.#schedule()
      })
    }, this.#retryMs)
  }
}

/** Decimal digits: the longer is the later. */
function laterVersion(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a.length > b.length || (a.length === b.length && a > b) ? a : b
}
