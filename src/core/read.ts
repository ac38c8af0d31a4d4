import type { Coordinator } from './coordinator.js'
import { closedError } from './errors.js'
import type { FlightJoins } from './flight-joins.js'
import { Flight } from './flights.js'
import { type Found, type FoundValue, MISSING } from './found.js'
import { isServable, type Job } from './job.js'
import type { LocalStore } from './local-store.js'
import type { MemoryReader } from './memory-reader.js'
import type { CacheParts } from './parts.js'
import type { Key, MemoryTier } from './ports/local-tier.js'
import type { ReadEvents } from './read-events.js'
import type { ReadRequest } from './read-request.js'
import { isRefreshDue } from './refresh-ahead.js'
import type { Looked, SharedReader } from './shared-reader.js'
import type { SoloFill } from './solo-fill.js'
import type { Space } from './space.js'

/** What the read path needs of a shared tier. */
export interface SharedSide {
  readonly reader: SharedReader
  readonly coordinator: Coordinator
}

/** What the read paths of one key and of many share. */
export interface ReadSide {
  readonly held: MemoryReader
  readonly joins: FlightJoins
  readonly events: ReadEvents
  readonly solo: SoloFill
}

/**
 * The read path.
 *
 * ```
 *  memory ── fresh ──────────────────────────────► value
 *    │  └─── stale, may revalidate ──────────────► value, and one flight brings a new one
 *    ▼
 *  flight of this process that may be joined? ───► its answer
 *    │ no: register one, before the first await
 *    ▼
 *  disk ── fresh ── keep in memory ──────────────► value
 *    │
 *    ▼
 *  shared tier ── fresh ── keep locally ─────────► value
 *    │  │  └───── stale, may revalidate ─────────► value; the flight goes on
 *    │  └──────── failed ─► fill alone ──────────► value
 *    ▼
 *  coordinator: lease, fill, commit, or follow ──► value
 *    └─ error ─ stale value within ifError? ─────► value, else the error
 * ```
 */
export class Reader {
  readonly #parts: CacheParts
  readonly #held: MemoryReader
  readonly #joins: FlightJoins
  readonly #events: ReadEvents
  readonly #store: LocalStore
  readonly #solo: SoloFill
  readonly #shared: SharedSide | undefined
  /** What the hot path asks: memory, until the cache closes. */
  #memory: MemoryTier | undefined
  #isClosed = false

  constructor(parts: CacheParts, side: ReadSide & { store: LocalStore; shared: SharedSide | undefined }) {
    this.#parts = parts
    this.#held = side.held
    this.#joins = side.joins
    this.#events = side.events
    this.#store = side.store
    this.#solo = side.solo
    this.#shared = side.shared
    this.#memory = parts.memory
  }

  /** From now on no flight begins: what is under way ends. */
  close(): void {
    this.#isClosed = true
    this.#memory = undefined
  }

  /** @throws CacheError `CACHE_CLOSED`, also for a call that waited for the log while the cache was closed. */
  checkOpen(): void {
    if (this.#isClosed) throw closedError(this.#parts.name)
  }

  /** The hot path: a fresh value of memory that is provably within the bound, or `undefined`. Synchronous, allocates nothing. */
  fresh(space: Space, key: Key): unknown {
    const { sync, clock, events } = this.#parts
    const memory = this.#memory
    if (memory === undefined) return undefined
    const nowMs = clock.coarseNow()
    if (sync !== undefined && !sync.isCurrent(nowMs)) return undefined
    const value = memory.getFresh(space, key, nowMs)
    if (value === undefined) return undefined
    space.policy.counters.memoryHits++
    if (events.hearsHits) this.#events.tellHit(space, key, 'memory')
    return value
  }

  /** After a hit of `fresh`: fills anew in the background if the value's end is near enough. */
  refreshAhead(request: ReadRequest): void {
    const entry = this.#memory?.look(request.space, request.key)
    if (entry) this.#refreshIfDue(request, entry.freshUntilMs)
  }

  /**
   * What `use` makes of what is found. Where memory has nothing to say, the flight begins at once: nothing is awaited on
   * the way to the next tier.
   */
  read<R>(request: ReadRequest, use: (found: Found) => R): Promise<R> {
    const mayBegin = request.level !== 'strict' && !request.signal?.aborted && !this.#isClosed
    if (!mayBegin || !this.#held.lacks(request)) return this.#readHeld(request).then(use)
    const joinable = this.#joins.joinable(request)
    if (joinable) return this.#join(request, joinable).then(use)
    return this.#shared !== undefined && this.#parts.disk === undefined && request.signal === undefined
      ? this.#flyToShared(request, this.#shared, use)
      : this.#fly(request, undefined).then(use)
  }

  async #readHeld(request: ReadRequest): Promise<Found> {
    request.signal?.throwIfAborted()
    const held = await this.#held.look(request)
    this.checkOpen()
    if (held !== undefined && this.answers(request, held)) {
      if (held.state === 'fresh' && request.fill) this.#refreshIfDue(request, held.freshUntilMs)
      return held
    }
    const joinable = this.#joins.joinable(request)
    if (joinable) return this.#join(request, joinable)
    // Of many strict callers one goes and the others join: nothing is awaited between this look and `begin`.
    const calledAt = request.space.flights.moment()
    let refused: Flight<Found> | undefined
    for (let flight = this.#joins.strict(request); flight !== refused; flight = this.#joins.strict(request, refused)) {
      const found = await this.#joins.ifProven(request, flight!, calledAt)
      if (found !== undefined) return found
      this.checkOpen()
      refused = flight
    }
    return this.#fly(request, held)
  }

  async #join(request: ReadRequest, flight: Flight<Found>): Promise<Found> {
    return (await this.#joins.join(request, flight)) ?? this.#readHeld(request)
  }

  #fly(request: ReadRequest, candidate: FoundValue | undefined): Promise<Found> {
    const job = this.begin(request, candidate)
    this.land(job, this.#produce(job))
    return this.#joins.wait(job.flight, request.signal)
  }

  /**
   * As `#fly`, for the way that most misses of memory take: what the shared tier has goes straight to the caller who
   * asked, by one promise. The flight makes its own when somebody joins.
   */
  #flyToShared<R>(request: ReadRequest, shared: SharedSide, use: (found: Found) => R): Promise<R> {
    const job = this.begin(request, undefined)
    const { flight } = job
    this.#parts.work.begin()
    flight.waiters++
    return shared.reader.lookUp(job, (looked) => {
      let outcome: Found | Promise<Found>
      try {
        outcome = this.#orFill(job, shared, looked)
      } catch (error) {
        outcome = Promise.reject(error)
      }
      if (!(outcome instanceof Promise)) return use(this.#end(job, outcome))
      this.#landLater(job, outcome)
      return flight.early === undefined ? flight.answer.then(use) : use(flight.early.value)
    })
  }

  /** Fills now, whatever is held; who comes meanwhile joins. */
  async refresh(request: ReadRequest): Promise<Found> {
    request.signal?.throwIfAborted()
    await this.#parts.disk?.ready(request.space.namespace)
    this.checkOpen()
    const job = this.begin(request, undefined)
    this.land(job, this.#produceAnew(job))
    return this.#joins.wait(job.flight, request.signal)
  }

  /**
   * True if what memory holds is the answer: it is fresh, or stale and one flight, which `start` sets going, brings a
   * new one meanwhile.
   */
  answers(
    request: ReadRequest,
    held: FoundValue,
    start = (job: Job): void => this.land(job, this.#produce(job)),
  ): boolean {
    if (held.state === 'fresh') {
      this.#events.hit(request, held, 'memoryHits')
      return true
    }
    const { whileRevalidateMs } = request.space.policy.rules
    if (request.fill === undefined || this.#parts.clock.now() >= held.freshUntilMs + whileRevalidateMs) return false
    this.#events.stale(request, held, 'revalidate')
    if (!request.space.flights.joinable(request.key)) {
      const job = this.begin(request, held)
      job.isAwaited = false
      start(job)
    }
    return true
  }

  /**
   * Registers a flight. `held`: what memory had a moment ago. An invalidation may have fallen in between, and found no
   * flight to poison: then it does not stand in for anything.
   */
  begin(request: ReadRequest, held: FoundValue | undefined): Job {
    const { space, key, userKey, level, fill, tags } = request
    // The coarse time is never later than the exact one, so that nothing looks newer than it is.
    const flight = new Flight<Found>(key, space.namespace.sequence, this.#parts.clock.coarseNow())
    // A read-only flight can be poisoned like any other, but a caller with a fill must not join it.
    if (fill === undefined) flight.isDetached = true
    flight.isStrict = level === 'strict'
    space.flights.register(flight)
    const candidate = held?.heldAt === space.flights.keyEvents ? held : undefined
    return { space, key, userKey, level, fill, tags, flight, candidate, isAwaited: true }
  }

  /** Gives a flight its outcome: the value, a stale value that may stand in for an error, or the error. */
  land(job: Job, outcome: Promise<Found>): void {
    this.#parts.work.begin()
    this.#landLater(job, outcome)
  }

  #landLater(job: Job, outcome: Promise<Found>): void {
    outcome.then(
      (found) => this.#end(job, found),
      (error: unknown) => {
        const { flight, space } = job
        if (isServable(job, space.policy.rules.ifErrorMs, this.#parts.clock.now())) {
          if (flight.waiters > 0) this.#events.stale(job, job.candidate, 'error')
          this.#end(job, job.candidate)
        } else {
          flight.fail(error)
          this.#leaveTable(job)
        }
      },
    )
  }

  #end(job: Job, found: Found): Found {
    job.flight.succeed(found)
    this.#leaveTable(job)
    return found
  }

  #leaveTable({ flight, space }: Job): void {
    space.flights.settle(flight)
    this.#parts.work.end()
  }

  /** What the disk says to jobs of one space: the answer, or undefined if the search goes on. */
  async fromDisk(jobs: readonly Job[]): Promise<(Found | undefined)[]> {
    const { disk } = this.#parts
    const [first] = jobs
    if (disk === undefined || first === undefined) return []
    for (const { flight } of jobs) flight.isLocal = true
    const held = (await this.#mayUseDisk(first)) ? await disk.read(jobs) : []
    return jobs.map((job, index) => {
      const found = held[index]
      if (found === undefined || (found.state === 'stale' && job.fill === undefined)) job.candidate ??= found
      else {
        const answer = this.taken(job, { state: 'found', found, bytes: undefined, fillId: '' })
        if (answer !== undefined) return answer
      }
      job.flight.isLocal = false
      return undefined
    })
  }

  /** The rule of memory: at this level, is what the disk holds provably recent enough? */
  async #mayUseDisk({ level, flight }: Job): Promise<boolean> {
    const { sync } = this.#parts
    // Tags that are queued have no clock yet by which an entry on the disk could be judged.
    if (this.#shared?.reader.hasUndelivered) return false
    if (sync === undefined || (level === 'eventual' && sync.isAnchored)) return true
    if (level !== 'bounded') return false
    if (sync.isCurrent(flight.startedAtMs)) return true
    return (await sync.sync()) && sync.isCurrent(flight.startedAtMs) && !this.#shared?.reader.hasUndelivered
  }

  #produce(job: Job): Promise<Found> {
    return this.#parts.disk === undefined ? this.#produceElsewhere(job) : this.#produceFromDisk(job)
  }

  async #produceFromDisk(job: Job): Promise<Found> {
    const [local] = await this.fromDisk([job])
    return local ?? this.#produceElsewhere(job)
  }

  async #produceAlone(job: Job): Promise<Found> {
    return job.fill ? this.#solo.alone(this.missed(job)) : this.#unfilled(job, job.candidate ?? MISSING)
  }

  #produceElsewhere(job: Job): Promise<Found> {
    const shared = this.#shared
    if (shared === undefined) return this.#produceAlone(job)
    return shared.reader.lookUp(job, (looked) => this.#orFill(job, shared, looked))
  }

  /** What the shared tier has, or else a fill. */
  #orFill(job: Job, shared: SharedSide, looked: Looked): Found | Promise<Found> {
    const found = this.taken(job, looked)
    if (found !== undefined) return found
    if (looked.state === 'failed') return this.#solo.alone(this.missed(job))
    return shared.coordinator.fill(this.missed(job), looked.state === 'found' ? looked.fillId : looked.deadId)
  }

  /** One flight, which nobody waits for: what is held goes on answering. */
  #refreshIfDue(request: ReadRequest, freshUntilMs: number): void {
    const { space, key } = request
    if (!isRefreshDue(space.policy, freshUntilMs, this.#parts) || space.flights.joinable(key)) return
    const job = this.begin(request, undefined)
    job.isAwaited = false
    this.land(job, this.#produceNewer(job))
  }

  /** What another process has refreshed already, or a fill. */
  async #produceNewer(job: Job): Promise<Found> {
    if (this.#shared === undefined) return this.#solo.alone(job)
    const [looked] = await this.#shared.reader.look([job])
    if (looked!.state === 'failed') return this.#solo.alone(job)
    if (looked!.state === 'missing') return this.#shared.coordinator.fill(job, looked!.deadId)
    const { found, bytes, fillId } = looked!
    if (isRefreshDue(job.space.policy, found.freshUntilMs, this.#parts)) {
      return this.#shared.coordinator.fill(job, fillId)
    }
    this.#store.keep(job, found, bytes)
    return found
  }

  /** As `#produce`, but what the shared tier holds does not count. */
  async #produceAnew(job: Job): Promise<Found> {
    if (this.#shared === undefined) return this.#solo.alone(job)
    const [looked] = await this.#shared.reader.look([job])
    if (looked!.state === 'failed') return this.#solo.alone(job)
    return this.#shared.coordinator.fill(job, looked!.state === 'found' ? looked!.fillId : looked!.deadId)
  }

  /** What another tier's answer means for a job: its outcome, or undefined if a fill must follow. */
  taken(job: Job, looked: Looked): Found | undefined {
    if (looked.state === 'failed') return job.fill ? undefined : this.#unfilled(job, looked)
    if (looked.state === 'missing') return job.fill ? undefined : this.#unfilled(job, job.candidate ?? MISSING)
    const { found } = looked
    this.#store.keep(job, found, looked.bytes)
    if (found.state === 'fresh') {
      if (job.isAwaited) this.#events.hit(job, found, found.source === 'disk' ? 'diskHits' : 'sharedHits')
      return found
    }
    job.candidate = found
    if (job.fill === undefined) return this.#unfilled(job, found)
    const { whileRevalidateMs } = job.space.policy.rules
    if (job.isAwaited && isServable(job, whileRevalidateMs, this.#parts.clock.now())) {
      // The callers have their answer; the flight goes on and brings a new value.
      job.isAwaited = false
      this.#events.stale(job, found, 'revalidate')
      job.flight.succeedEarly(found, found.freshUntilMs + whileRevalidateMs)
    }
    return undefined
  }

  /** Counts the miss of a job that callers wait for. */
  missed(job: Job): Job {
    if (job.isAwaited) this.#events.miss(job)
    return job
  }

  /** The answer of a read without a fill that found nothing fresh. */
  #unfilled(job: Job, found: Found): Found {
    this.#events.miss(job)
    return found
  }
}
