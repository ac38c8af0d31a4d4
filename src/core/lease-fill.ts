import { encodeValue, NotPlainData } from './codec.js'
import { encodeEnvelope, isAbove } from './envelope.js'
import { CacheError, UnserialisableValueError } from './errors.js'
import type { Filled } from './fill.js'
import type { Found } from './found.js'
import { type Job, subject } from './job.js'
import { failureCodeOf, fillIdOfToken } from './lease-token.js'
import type { LocalStore } from './local-store.js'
import type { CacheParts } from './parts.js'
import type { CancelTimer } from './ports/clock.js'
import type { CommitOutcome, SharedTier } from './ports/shared-tier.js'
import type { SharedReader } from './shared-reader.js'
import { type SoloFill, withinLag } from './solo-fill.js'
import { storedKey } from './stored-key.js'

/** How long followers can learn at most that a fill failed; meanwhile whoever comes anew tries again. */
const MAX_FAILURE_MS = 1_000

/** The lease under which a fill may publish, and the namespace's state read before the fill began. */
export interface Lease {
  readonly token: string
  readonly epoch: string
  readonly born: number
  readonly recentlyInvalidated: boolean
}

/**
 * A leader's fill: run, renewed, published only while its lease stands. An invalidation deletes the lease, so a fill
 * that began before it is refused at the commit (races R1 and R2); the token is the fill's own (R3).
 */
export class LeaseFill {
  readonly #parts: CacheParts
  readonly #tier: SharedTier
  readonly #reader: SharedReader
  readonly #store: LocalStore
  readonly #solo: SoloFill

  constructor(
    parts: CacheParts,
    tier: SharedTier,
    { reader, store, solo }: { reader: SharedReader; store: LocalStore; solo: SoloFill },
  ) {
    this.#parts = parts
    this.#tier = tier
    this.#reader = reader
    this.#store = store
    this.#solo = solo
  }

  /** Fills under a lease and publishes. */
  async lead(job: Job, lease: Lease): Promise<Found> {
    const stopRenewing = this.renew(job, lease.token)
    job.flight.lease = lease
    let filled: Filled | undefined
    let startedAt = 0
    try {
      startedAt = this.#parts.clock.now()
      filled = await this.#solo.run(job, lease.recentlyInvalidated)
    } catch (error) {
      await this.fail(job, lease.token, error)
      throw error
    } finally {
      stopRenewing()
    }
    return this.publish(job, lease, filled, this.#parts.clock.now() - startedAt)
  }

  /** Stores what a leader brought, if its lease still stands. */
  async publish(job: Job, lease: Lease, returned: Filled | undefined, durationMs: number): Promise<Found> {
    const filled = returned && lease.recentlyInvalidated ? withinLag(job, returned) : returned
    if (filled === undefined || filled.freshMs === 0) {
      await this.release(job, lease.token)
      return this.#solo.answer(job, filled, durationMs)
    }
    const encoded = encodeValue(filled.value)
    if (encoded instanceof NotPlainData) {
      const error = new UnserialisableValueError(job.space.policy.name, encoded.path, encoded.found)
      await this.fail(job, lease.token, error)
      throw error
    }
    const { epoch, born, token } = lease
    const fillId = fillIdOfToken(token)
    const envelope = encodeEnvelope({ ...filled, fillId, epoch, born, codec: encoded.codec, body: encoded.text })
    if (isAbove(envelope, this.#tier.maxEntryBytes)) {
      await this.release(job, lease.token)
      this.#tellNotStored(job, 'too-large')
      return this.#solo.keep(job, filled, durationMs)
    }
    const outcome = await this.#commit(job, token, envelope, filled)
    if (outcome === 'failed') return this.#solo.keep(job, filled, durationMs)
    if (outcome === 'full') {
      this.#tellNotStored(job, 'full')
      return this.#solo.keep(job, filled, durationMs)
    }
    if (outcome !== 'stored') {
      this.#tellRefused(job, outcome)
      return this.#solo.answer(job, filled, durationMs)
    }
    const { namespace } = job.space
    const standing = namespace.judge(epoch, born, filled.tags)
    const found = this.#solo.found(job, filled, namespace.sequence)
    if (standing === 'current' || standing === 'stale') {
      // Softly invalidated while it was filled.
      const freshUntilMs = Math.min(found.freshUntilMs, namespace.softenedSinceMs(born, filled.tags))
      const form = { codec: encoded.codec, body: encoded.text, epoch, born }
      this.#store.keep(job, { ...found, freshUntilMs, form }, encoded.text.length)
    }
    this.#solo.tellFilled(job, filled, durationMs, true)
    return found
  }

  /** Gives a lease back; if that fails it ends by itself. */
  async release(job: Job, token: string): Promise<void> {
    try {
      await this.#tier.release(job.space.namespace.id, storedKey(job.space.prefix, job.key), token)
    } catch (error) {
      this.#reader.tellFailure('release', error)
    }
  }

  /**
   * Gives a lease back after a fill that failed, and tells those who wait for it elsewhere. They go on by themselves if
   * it was only this process that gave up: nobody waits here any more, it closes, its bulkhead is full.
   */
  async fail(job: Job, token: string, error: unknown): Promise<void> {
    const { abort } = job.flight
    const isTimeout = CacheError.is(error) && error.code === 'FILL_TIMEOUT'
    const isOwn = CacheError.is(error) && error.code === 'BULKHEAD_FULL'
    if (isOwn || (abort.isAborted && abort.reason === error && !isTimeout)) return this.release(job, token)
    const keepMs = Math.min(MAX_FAILURE_MS, 4 * job.space.policy.rules.coordinate.pollMaxMs)
    const failure = { code: failureCodeOf(error), keepMs }
    try {
      await this.#tier.fail(job.space.namespace.id, storedKey(job.space.prefix, job.key), token, failure)
    } catch (cause) {
      this.#reader.tellFailure('fail', cause)
    }
  }

  /** Extends the lease every third of it; a lost lease is told, and nobody new joins what cannot be published. */
  renew(job: Job, token: string): () => void {
    const { leaseMs } = job.space.policy.rules.coordinate
    const { clock, events } = this.#parts
    const key = storedKey(job.space.prefix, job.key)
    let cancel: CancelTimer
    let isOver = false
    const schedule = (): void => {
      cancel = clock.setHousekeepingTimer(() => void renew(), leaseMs / 3)
    }
    const renew = async (): Promise<void> => {
      const isOurs = await this.#tier.renew(job.space.namespace.id, key, token, leaseMs).catch((error: unknown) => {
        // Tried again until the lease must have ended.
        this.#reader.tellFailure('renew', error)
        return true
      })
      if (isOver) return
      if (isOurs) return schedule()
      job.flight.isDetached = true
      if (events.hears('lease-lost')) events.emit({ type: 'lease-lost', ...subject(job) })
    }
    schedule()
    return () => {
      isOver = true
      cancel()
    }
  }

  async #commit(job: Job, token: string, envelope: string, filled: Filled): Promise<CommitOutcome | 'failed'> {
    const key = storedKey(job.space.prefix, job.key)
    const keepMs = Math.max(1, Math.ceil(filled.freshMs + filled.staleMs))
    try {
      return await this.#tier.commit(job.space.namespace.id, token, { key, envelope, keepMs, version: filled.version })
    } catch (error) {
      this.#reader.tellFailure('commit', error)
      return 'failed'
    }
  }

  #tellRefused(job: Job, outcome: 'fenced' | 'superseded'): void {
    const { events } = this.#parts
    if (outcome === 'fenced') {
      job.space.policy.counters.fenced++
      if (events.hears('fenced')) events.emit({ type: 'fenced', ...subject(job) })
    } else this.#tellNotStored(job, 'superseded')
  }

  #tellNotStored(job: Job, cause: 'too-large' | 'superseded' | 'full'): void {
    const { events } = this.#parts
    if (events.hears('not-stored')) events.emit({ type: 'not-stored', ...subject(job), cause })
  }
}
