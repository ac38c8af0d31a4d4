import { type CacheError, closedError } from './errors.js'
import type { EntryRef, Invalidation, Invalidator } from './invalidate.js'
import type { InvalidationQueue } from './invalidation-queue.js'
import type { Namespaces } from './namespaces.js'
import { checkFields } from './options.js'
import type { CacheParts } from './parts.js'
import type { Policy } from './policy.js'
import type { LogPosition } from './ports/shared-tier.js'
import { parseMs } from './quantity.js'
import type { Reader } from './read.js'
import type { ManyReader } from './read-many.js'
import { QUEUED, type QueuedInvalidation, type Receipt } from './receipt.js'
import type { Writer } from './write.js'

/** What becomes of an invalidation that nobody acknowledges. */
export type WhenUnavailable = 'reject' | 'queue'

const DEFAULT_GRACE_MS = 5_000

/** What the scopes of one cache share: its services, and whether it is open. */
export class CacheCore {
  readonly parts: CacheParts
  readonly namespaces: Namespaces
  readonly reader: Reader
  readonly many: ManyReader
  readonly writer: Writer
  readonly invalidator: Invalidator
  readonly queue: InvalidationQueue | undefined
  /** Calls of delete, invalidate and clear. */
  invalidations = 0
  readonly defaultPolicy: Policy | undefined
  #closing: Promise<CloseReport> | undefined

  constructor(services: {
    parts: CacheParts
    namespaces: Namespaces
    reader: Reader
    many: ManyReader
    writer: Writer
    invalidator: Invalidator
    queue: InvalidationQueue | undefined
    defaultPolicy: Policy | undefined
  }) {
    this.parts = services.parts
    this.namespaces = services.namespaces
    this.reader = services.reader
    this.many = services.many
    this.writer = services.writer
    this.invalidator = services.invalidator
    this.queue = services.queue
    this.defaultPolicy = services.defaultPolicy
  }

  /** @throws CacheError `CACHE_CLOSED` */
  checkOpen(): void {
    if (this.#closing !== undefined) throw closedError(this.parts.name)
  }

  /** `close` waits for it. */
  track<T>(work: Promise<T>): Promise<T> {
    this.parts.work.track(work)
    return work
  }

  /** A read that could not be answered synchronously: the next one may, if the log can be followed. */
  syncSoon(): void {
    const { sync, clock } = this.parts
    if (sync && !sync.isCurrent(clock.now())) void sync.sync()
  }

  /** Rejects if nobody acknowledges it, unless it may wait and there is room. */
  async invalidate(
    invalidation: Invalidation,
    whenUnavailable: WhenUnavailable,
  ): Promise<Receipt | QueuedInvalidation> {
    this.invalidations++
    try {
      return await this.invalidator.invalidate(invalidation)
    } catch (error) {
      // From here on nothing is read from the shared tier until it is delivered.
      const isQueued = whenUnavailable === 'queue' && this.queue?.add(invalidation)
      this.invalidator.forgetHere(invalidation)
      if (isQueued) return QUEUED
      throw error
    }
  }

  /** Of entries of one policy, each for itself: rejects only if none was acknowledged. */
  async invalidateEach(
    invalidation: Invalidation,
    whenUnavailable: WhenUnavailable,
  ): Promise<{
    state: 'acknowledged' | 'partial' | 'queued'
    token: string
    failed: readonly EntryRef[]
    error?: CacheError
  }> {
    this.invalidations++
    const { receipt, failed, error } = await this.invalidator.invalidateEach(invalidation)
    if (error === undefined) return { state: 'acknowledged', token: receipt.token, failed }
    const unacknowledged = { ...invalidation, entries: failed }
    const isQueued = whenUnavailable === 'queue' && this.queue?.add(unacknowledged)
    this.invalidator.forgetHere(unacknowledged)
    if (isQueued) {
      return { state: 'queued', token: receipt.token, failed: [] }
    }
    if (failed.length === invalidation.entries.length) throw error
    return { state: 'partial', token: receipt.token, failed, error }
  }

  /** True once everything local reflects the log up to these positions; false: that cannot be said, ask the tier itself. */
  async reach(positions: readonly LogPosition[]): Promise<boolean> {
    const { sync } = this.parts
    if (sync === undefined) return true
    const hasReached = (): boolean => positions.every((position) => sync.hasReached(position) === true)
    if (hasReached()) return true
    return (await sync.freshSync()) && hasReached()
  }

  /** See `Cache.close`. A second call gets the same promise. */
  close(options: { graceMs?: number } = {}): Promise<CloseReport> {
    if (this.#closing !== undefined) return this.#closing
    const { graceMs } = checkFields(options, ['graceMs'], 'close')
    this.#closing = this.#close(graceMs === undefined ? DEFAULT_GRACE_MS : parseMs(graceMs, 'close.graceMs'))
    return this.#closing
  }

  async #close(graceMs: number): Promise<CloseReport> {
    const { work, clock, memory, disk, shared, sync } = this.parts
    const untilMs = clock.now() + graceMs
    this.reader.close()
    for (const namespace of this.namespaces.all()) {
      for (const space of namespace.spaces.values()) space.tickets?.close()
    }
    let aborted = 0
    let undelivered = 0
    const cancel = clock.setTimer(() => {
      aborted = this.#abortFlights()
    }, graceMs)
    try {
      await work.idle()
    } finally {
      cancel()
    }
    if (this.queue) undelivered = await this.queue.drain(untilMs)
    // Each is released whatever becomes of the one before.
    try {
      await sync?.close()
    } finally {
      try {
        await disk?.close()
      } finally {
        try {
          await shared?.close()
        } finally {
          memory?.close()
        }
      }
    }
    return { aborted, undelivered }
  }

  #abortFlights(): number {
    const reason = closedError(this.parts.name, 'this was being filled')
    let aborted = 0
    for (const namespace of this.namespaces.all()) {
      for (const space of namespace.spaces.values()) {
        for (const flight of space.flights.all()) {
          aborted++
          flight.abort.abort(reason)
        }
      }
    }
    return aborted
  }
}

/** What `close` left behind. */
export interface CloseReport {
  /** Fills that did not end within `graceMs` and were aborted. */
  readonly aborted: number
  /** Queued invalidations that could not be delivered: keys, tags and clears. */
  readonly undelivered: number
}
