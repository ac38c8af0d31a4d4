import type { Filled } from './fill.js'
import { type Found, type FoundValue, MISSING } from './found.js'
import { isServable, type Job, subject } from './job.js'
import type { LocalStore } from './local-store.js'
import type { LocalParts } from './parts.js'
import type { CancelTimer } from './ports/clock.js'

/** Fills for one process: what a memory-only cache always does, and any cache when nobody can be asked for a lease. */
export class SoloFill {
  readonly #parts: LocalParts
  readonly #store: LocalStore

  constructor(parts: LocalParts, store: LocalStore) {
    this.#parts = parts
    this.#store = store
  }

  /** Fills without a lease and publishes nothing; what it brings may answer in this process. */
  async alone(job: Job): Promise<Found> {
    const startedAt = this.#parts.clock.now()
    const filled = await this.run(job, this.isInDoubt(job))
    return this.keepUnleased(job, filled, this.#parts.clock.now() - startedAt)
  }

  /** True where nobody can be asked whether the key was deleted within its replicas' lag: it counts as if it were. */
  isInDoubt({ space }: Job): boolean {
    return this.#parts.shared !== undefined && space.policy.rules.replicaLag !== undefined
  }

  /** The fill itself, ready to be stored; undefined if there is nothing to store. */
  async run(job: Job, recentlyInvalidated: boolean): Promise<Filled | undefined> {
    const { space, userKey, flight } = job
    const stale = isServable(job, space.policy.rules.staleMs, this.#parts.clock.now()) ? job.candidate.value : undefined
    const cancel = this.armSoftTimeout(job)
    flight.beginLoad(space.flights.moment())
    try {
      const returned = await this.#parts.fills.run({
        space,
        key: userKey,
        abort: flight.abort,
        fill: job.fill!,
        stale,
        recentlyInvalidated,
      })
      return this.#parts.fills.describe(space, userKey, returned, job.tags)
    } finally {
      cancel?.()
    }
  }

  /** What was filled without a lease. */
  keepUnleased(job: Job, filled: Filled | undefined, durationMs: number): Found {
    return this.keep(job, filled && this.isInDoubt(job) ? withinLag(job, filled) : filled, durationMs)
  }

  /** Kept in this process only, as old as the flight's start; nothing is kept of a life of zero. */
  keep(job: Job, filled: Filled | undefined, durationMs: number): Found {
    if (filled === undefined || filled.freshMs === 0) return this.answer(job, filled, durationMs)
    const found = this.found(job, filled, job.flight.seen)
    const kept = this.#store.keep(job, found, undefined)
    const { events, shared } = this.#parts
    // With a shared tier it is told of that one: elsewhere others may have room.
    if (kept === 'too-large' && shared === undefined && events.hears('not-stored'))
      events.emit({ type: 'not-stored', ...subject(job), cause: kept })
    const isStored = kept === 'kept'
    this.tellFilled(job, filled, durationMs, isStored)
    return { ...found, isStored }
  }

  /** The callers' answer when nothing is kept anywhere. */
  answer(job: Job, filled: Filled | undefined, durationMs: number): Found {
    this.tellFilled(job, filled, durationMs, false)
    return filled === undefined ? MISSING : { ...this.found(job, filled, job.flight.seen), isStored: false }
  }

  found({ flight }: Job, filled: Filled, seen: number): FoundValue {
    const { clock } = this.#parts
    const { value, freshMs, staleMs, tags } = filled
    return {
      state: 'fresh',
      value,
      source: 'fill',
      freshUntilMs: clock.now() + freshMs,
      staleMs,
      storedAtMs: clock.wallNow(),
      tags,
      seen,
      provenAtMs: flight.startedAtMs,
      isStored: true,
    }
  }

  tellFilled(job: Job, filled: Filled | undefined, durationMs: number, stored: boolean): void {
    const { events } = this.#parts
    if (!stored) job.space.policy.counters.notStored++
    if (!events.hears('filled')) return
    events.emit({ type: 'filled', ...subject(job), durationMs, stored, negative: filled?.value === null })
  }

  /** After `fillTimeout.soft` callers get the stale value, if there is one; the fill goes on. */
  armSoftTimeout(job: Job): CancelTimer | undefined {
    const { softMs, staleMs } = job.space.policy.rules
    const { clock, events } = this.#parts
    if (softMs === undefined || job.candidate === undefined) return undefined
    return clock.setTimer(() => {
      if (!isServable(job, staleMs, clock.now())) return
      job.isAwaited = false
      if (job.flight.waiters > 0 && events.hears('stale'))
        events.emit({ type: 'stale', ...subject(job), tier: job.candidate.source, cause: 'slow' })
      job.flight.succeedEarly(job.candidate, job.candidate.freshUntilMs + staleMs)
    }, softMs)
  }
}

/** What may have been read from a replica that lags lives no longer than the lag. */
export function withinLag({ space }: Job, filled: Filled): Filled {
  const { replicaLag } = space.policy.rules
  if (replicaLag?.action !== 'shortTtl') return filled
  return { ...filled, freshMs: Math.min(filled.freshMs, replicaLag.maxMs), staleMs: 0 }
}
