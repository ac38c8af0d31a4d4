import { closedError } from './errors.js'
import type { Invalidator } from './invalidate.js'
import type { Namespaces } from './namespaces.js'
import { checkFields } from './options.js'
import type { CacheParts } from './parts.js'
import type { Policy } from './policy.js'
import type { LogPosition } from './ports/shared-tier.js'
import { parseMs } from './quantity.js'
import type { Reader } from './read.js'
import type { ManyReader } from './read-many.js'
import type { Writer } from './write.js'

const DEFAULT_GRACE_MS = 5_000

/** What the scopes of one cache share: its services, and whether it is open. */
export class CacheCore {
  readonly parts: CacheParts
  readonly namespaces: Namespaces
  readonly reader: Reader
  readonly many: ManyReader
  readonly writer: Writer
  readonly invalidator: Invalidator
  readonly defaultPolicy: Policy | undefined
  #closing: Promise<CloseReport> | undefined

  constructor(services: {
    parts: CacheParts
    namespaces: Namespaces
    reader: Reader
    many: ManyReader
    writer: Writer
    invalidator: Invalidator
    defaultPolicy: Policy | undefined
  }) {
    this.parts = services.parts
    this.namespaces = services.namespaces
    this.reader = services.reader
    this.many = services.many
    this.writer = services.writer
    this.invalidator = services.invalidator
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
    const { work, clock, memory, shared, sync } = this.parts
    this.reader.close()
    for (const namespace of this.namespaces.all()) {
      for (const space of namespace.spaces.values()) space.tickets?.close()
    }
    let aborted = 0
    const cancel = clock.setTimer(() => {
      aborted = this.#abortFlights()
    }, graceMs)
    try {
      await work.idle()
    } finally {
      cancel()
    }
    // Each is released whatever becomes of the one before.
    try {
      await sync?.close()
    } finally {
      try {
        await shared?.close()
      } finally {
        memory?.close()
      }
    }
    return { aborted }
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
}
