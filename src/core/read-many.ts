import { Abort } from './abort.js'
import { type Coordinator, followerTimeout, isForNobody, type Progress, progressOf } from './coordinator.js'
import { Deferred } from './deferred.js'
import type { FillContext } from './fill-context.js'
import type { FlightJoins } from './flight-joins.js'
import type { Flight } from './flights.js'
import { type Found, MISSING } from './found.js'
import { isServable, type Job } from './job.js'
import type { Lease, LeaseFill } from './lease-fill.js'
import type { MemoryReader } from './memory-reader.js'
import { checkPairs } from './options.js'
import type { CacheParts } from './parts.js'
import type { Key } from './ports/local-tier.js'
import type { Reader, ReadSide, SharedSide } from './read.js'
import type { ReadRequest } from './read-request.js'
import type { Looked } from './shared-reader.js'
import type { SoloFill } from './solo-fill.js'

/** What a fill of several keys is told. */
export type FillManyContext = Omit<FillContext, 'key' | 'stale'>

/** Produces the values of several keys: a Map, or pairs. A key it leaves out is a negative. */
export type BoundFillMany = (keys: Key[], context: FillManyContext) => unknown

/** One key of a batch on its way. */
interface Pending {
  readonly job: Job
  deadId: string | undefined
  lease: Lease | undefined
  /** Of the fill elsewhere that it follows. */
  progress: Progress
  readonly outcome: Deferred<Found>
}

const NO_PROGRESS: Progress = Object.freeze({ elapsedMs: 0, leftMs: 0 })

/**
 * The read path for several keys of one space: one look at the shared tier, one claim of all leases, one call of the
 * fill for what was won; the rest is followed, and what nobody delivered is filled by at most one second call.
 */
export class ManyReader {
  readonly #parts: CacheParts
  readonly #reader: Reader
  readonly #held: MemoryReader
  readonly #joins: FlightJoins
  readonly #solo: SoloFill
  readonly #shared: (SharedSide & { lease: LeaseFill }) | undefined

  constructor(
    parts: CacheParts,
    side: ReadSide & { reader: Reader; shared: (SharedSide & { lease: LeaseFill }) | undefined },
  ) {
    this.#parts = parts
    this.#reader = side.reader
    this.#held = side.held
    this.#joins = side.joins
    this.#solo = side.solo
    this.#shared = side.shared
  }

  /** Answers in the order of the requests. Without `fillMany` it only reads. */
  async read(requests: readonly ReadRequest[], fillMany: BoundFillMany | undefined): Promise<Found[]> {
    for (const { signal } of requests) signal?.throwIfAborted()
    const held = await Promise.all(requests.map((request) => this.#held.look(request)))
    this.#reader.checkOpen()
    const pending: Pending[] = []
    const start = (job: Job): void => {
      const outcome = new Deferred<Found>()
      pending.push({ job, deadId: undefined, lease: undefined, progress: NO_PROGRESS, outcome })
      this.#reader.land(job, outcome.promise)
    }
    const answers = requests.map((request, index) => {
      const own = held[index]
      if (own !== undefined && this.#reader.answers(request, own, start)) return own
      const joinable = this.#joins.joinable(request)
      if (joinable) return this.#join(request, joinable, fillMany)
      const job = this.#reader.begin(request, own)
      start(job)
      return this.#joins.wait(job.flight, request.signal)
    })
    if (pending.length > 0) this.#parts.work.track(this.#produce(pending, fillMany))
    return Promise.all(answers)
  }

  async #join(request: ReadRequest, flight: Flight<Found>, fillMany: BoundFillMany | undefined): Promise<Found> {
    return (await this.#joins.join(request, flight)) ?? (await this.read([request], fillMany))[0]!
  }

  async #produce(pending: readonly Pending[], fillMany: BoundFillMany | undefined): Promise<void> {
    try {
      const local = await this.#reader.fromDisk(pending.map(({ job }) => job))
      const elsewhereOrNowhere = pending.filter((one, index) => !settled(one, local[index]))
      const looked = await this.#look(elsewhereOrNowhere.map(({ job }) => job))
      const open = elsewhereOrNowhere.filter((one, index) => !this.#take(one, looked[index]!))
      if (fillMany === undefined || open.length === 0) return
      const isReachable = looked.every(({ state }) => state !== 'failed')
      if (this.#shared === undefined || !isReachable) return await this.#fill(open, fillMany)
      const { toFill, elsewhere } = await this.#claim(open, this.#shared.coordinator)
      await Promise.all([this.#fill(toFill, fillMany), this.#follow(elsewhere, fillMany, this.#shared.coordinator)])
    } catch (error) {
      for (const { outcome } of pending) outcome.reject(error)
    }
  }

  #look(jobs: readonly Job[]): Promise<Looked[]> {
    if (this.#shared) return this.#shared.reader.look(jobs)
    return Promise.resolve(jobs.map(() => ({ state: 'missing', deadId: undefined })))
  }

  /** True if the shared tier's answer is the outcome. */
  #take(one: Pending, looked: Looked): boolean {
    const found = this.#reader.taken(one.job, looked)
    if (found !== undefined) {
      one.outcome.resolve(found)
      return true
    }
    if (looked.state !== 'failed') one.deadId = looked.state === 'found' ? looked.fillId : looked.deadId
    this.#reader.missed(one.job)
    return false
  }

  /** Claims all leases at once: what is ours to fill, and what somebody else is filling. */
  async #claim(
    open: readonly Pending[],
    coordinator: Coordinator,
  ): Promise<{ toFill: Pending[]; elsewhere: Pending[] }> {
    const claim = await coordinator.claim(
      open.map(({ job }) => job),
      open.map(({ deadId }) => deadId),
    )
    if (claim === undefined) return { toFill: [...open], elsewhere: [] }
    const toFill: Pending[] = []
    const elsewhere: Pending[] = []
    for (const [index, one] of open.entries()) {
      const isLeader = claim.reply.acquired[index]!.state === 'leader'
      if (isLeader) one.lease = claim.leases[index]!
      one.progress = progressOf(one.job, claim.reply.acquired[index]!)
      if (isLeader || !one.job.space.policy.rules.coordinate.waits) toFill.push(one)
      else elsewhere.push(one)
    }
    return { toFill, elsewhere }
  }

  async #follow(elsewhere: readonly Pending[], fillMany: BoundFillMany, coordinator: Coordinator): Promise<void> {
    const { clock } = this.#parts
    const left: Pending[] = []
    await Promise.all(
      elsewhere.map(async (one) => {
        const { job, outcome } = one
        const { policy } = job.space
        if (isForNobody(job)) return outcome.resolve(job.candidate ?? MISSING)
        try {
          const deadline = clock.now() + policy.rules.coordinate.waitMs
          const followed = await coordinator.follow(job, { deadId: one.deadId, deadline, progress: one.progress })
          if (followed.state === 'value') return outcome.resolve(followed.found)
          if (followed.state === 'error') return outcome.reject(followed.error)
          if (followed.state === 'again') one.deadId = followed.deadId
          if (followed.state === 'timeout') {
            if (isServable(job, policy.rules.staleMs, clock.now())) return outcome.resolve(job.candidate)
            if (policy.rules.coordinate.onTimeout === 'throw') return outcome.reject(followerTimeout(policy))
          }
          left.push(one)
        } catch (error) {
          // Given up by all who waited for this key; the others go on.
          outcome.reject(error)
        }
      }),
    )
    if (left.length === 0) return
    // The second and last call fills what is left, with or without a lease.
    const { toFill, elsewhere: alone } = await this.#claim(left, coordinator)
    await this.#fill([...toFill, ...alone], fillMany)
  }

  /** One call of the fill; each key is then published under its own lease, or kept here if it has none. */
  async #fill(batch: readonly Pending[], fillMany: BoundFillMany): Promise<void> {
    const [first] = batch
    if (first === undefined) return
    const { clock, fills } = this.#parts
    const startedAt = clock.now()
    for (const { job, lease } of batch) {
      job.flight.lease = lease
      job.flight.beginLoad(job.space.flights.moment())
    }
    const stops = batch.flatMap(({ job, lease }) => [
      lease && this.#shared!.lease.renew(job, lease.token),
      this.#solo.armSoftTimeout(job),
    ])
    try {
      const { space, userKey } = first.job
      const keys = batch.map(({ job }) => job.userKey)
      const recentlyInvalidated = batch.some(
        ({ job, lease }) => lease?.recentlyInvalidated ?? this.#solo.isInDoubt(job),
      )
      const returned = await fills.run({
        space,
        key: userKey,
        abort: abortWithAll(batch.map(({ job }) => job.flight.abort)),
        fill: ({ key: _key, stale: _stale, ...context }) => fillMany(keys, context),
        stale: undefined,
        recentlyInvalidated,
      })
      const values = asMap(returned, space.policy.name)
      const durationMs = clock.now() - startedAt
      const filledOf = (key: Key): unknown => (values.has(key) ? values.get(key) : null)
      await Promise.all(batch.map((one) => this.#publish(one, filledOf(one.job.userKey), durationMs)))
    } catch (error) {
      await Promise.all(batch.map(({ job, lease }) => lease && this.#shared!.lease.fail(job, lease.token, error)))
      for (const { outcome } of batch) outcome.reject(error)
    } finally {
      for (const stop of stops) stop?.()
    }
  }

  async #publish({ job, lease, outcome }: Pending, value: unknown, durationMs: number): Promise<void> {
    try {
      const filled = this.#parts.fills.describe(job.space, job.userKey, value, job.tags)
      if (lease) outcome.resolve(await this.#shared!.lease.publish(job, lease, filled, durationMs))
      else outcome.resolve(this.#solo.keepUnleased(job, filled, durationMs))
    } catch (error) {
      if (lease) await this.#shared!.lease.fail(job, lease.token, error)
      outcome.reject(error)
    }
  }
}

/** True if there is an answer. */
function settled({ outcome }: Pending, found: Found | undefined): boolean {
  if (found !== undefined) outcome.resolve(found)
  return found !== undefined
}

/** Aborts when every one of the others has: nobody waits for any key of the batch. */
function abortWithAll(others: readonly Abort[]): Abort {
  const all = new Abort()
  let left = others.length
  const onAbort = (reason: unknown): void => {
    if (--left === 0) all.abort(reason)
  }
  for (const other of others) {
    if (other.isAborted) onAbort(other.reason)
    else other.onAbort(() => onAbort(other.reason))
  }
  return all
}

function asMap(returned: unknown, policy: string): Map<Key, unknown> {
  if (returned instanceof Map) return returned as Map<Key, unknown>
  return new Map(checkPairs<Key, unknown>(returned, `policy '${policy}': the result of a fill of several keys`))
}
