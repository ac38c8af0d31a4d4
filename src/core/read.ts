import type { Coordinator } from './coordinator.js'
import { closedError } from './errors.js'
import type { BoundFill } from './fill.js'
import { Flight } from './flights.js'
import { type Found, type FoundValue, MISSING } from './found.js'
import { type Consistency, isServable, type Job, subject } from './job.js'
import type { LocalStore } from './local-store.js'
import type { LogSync } from './log-sync.js'
import type { CacheParts } from './parts.js'
import type { Key, MemoryTier } from './ports/local-tier.js'
import type { RecentLoads } from './recent-loads.js'
import { isRefreshDue } from './refresh-ahead.js'
import type { Looked, SharedReader } from './shared-reader.js'
import type { SoloFill } from './solo-fill.js'
import type { Space } from './space.js'

/** One call, checked: what is wanted and how much the answer must prove. */
export interface ReadRequest {
  readonly space: Space
  readonly key: Key
  readonly userKey: Key
  readonly level: Consistency
  /** Undefined: read only. */
  readonly fill: BoundFill | undefined
  readonly tags: readonly string[] | undefined
  readonly signal: AbortSignal | undefined
}

/** What the read path needs of a shared tier. */
export interface SharedSide {
  readonly reader: SharedReader
  readonly coordinator: Coordinator
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
  readonly #store: LocalStore
  readonly #solo: SoloFill
  readonly #shared: SharedSide | undefined
  readonly #recent: RecentLoads | undefined
  /** What the hot path asks: memory, until the cache closes. */
  #memory: MemoryTier | undefined
  #isClosed = false

  constructor(
    parts: CacheParts,
    {
      store,
      solo,
      shared,
      recent,
    }: { store: LocalStore; solo: SoloFill; shared: SharedSide | undefined; recent: RecentLoads | undefined },
  ) {
    this.#parts = parts
    this.#recent = recent
    this.#store = store
    this.#solo = solo
    this.#shared = shared
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
    if (events.hearsHits) events.emit({ type: 'hit', ...subject({ space, userKey: key }), tier: 'memory' })
    return value
  }

  /** After a hit of `fresh`: fills anew in the background if the value's end is near enough. */
  refreshAhead(request: ReadRequest): void {
    const entry = this.#memory?.look(request.space, request.key)
    if (entry) this.#refreshIfDue(request, entry.freshUntilMs)
  }

  async read(request: ReadRequest): Promise<Found> {
    request.signal?.throwIfAborted()
    const held = await this.held(request)
    this.checkOpen()
    if (held !== undefined && this.answers(request, held)) {
      if (held.state === 'fresh' && request.fill) this.#refreshIfDue(request, held.freshUntilMs)
      return held
    }
    const joinable = this.joinable(request)
    if (joinable) return this.join(joinable, request.signal)
    // Of many strict callers one goes and the others join: nothing is awaited between this look and `begin`.
    const calledAt = request.space.flights.moment()
    let refused: Flight<Found> | undefined
    for (let flight = this.#strictFlight(request); flight !== refused; flight = this.#strictFlight(request, refused)) {
      const found = await this.#joinIfProven(request, flight!, calledAt)
      if (found !== undefined) return found
      this.checkOpen()
      refused = flight
    }
    const job = this.begin(request, held)
    this.land(job, this.#produce(job))
    return this.wait(job.flight, request.signal)
  }

  /** Fills now, whatever is held; who comes meanwhile joins. */
  async refresh(request: ReadRequest): Promise<Found> {
    request.signal?.throwIfAborted()
    await this.#ready(request.space)
    this.checkOpen()
    const job = this.begin(request, undefined)
    this.land(job, this.#produceAnew(job))
    return this.wait(job.flight, request.signal)
  }

  /** What memory may say about a key at this level: fresh, stale, or nothing. */
  async held(request: ReadRequest): Promise<FoundValue | undefined> {
    const { memory, sync, clock } = this.#parts
    const startedAt = clock.now()
    const { space, key, level } = request
    await this.#ready(space)
    const holds = (): boolean => memory?.getEntry(space, key, clock.now()) !== undefined
    const isAtHand = (): boolean => level === 'bounded' && holds() && this.#isProven(request, startedAt)
    if (sync !== undefined && !sync.isAnchored && !(sync.isFailing && isAtHand())) await sync.sync()
    if (memory === undefined || (level === 'strict' && sync !== undefined) || !holds()) return undefined
    if (sync !== undefined && level === 'bounded' && !(await this.#mayAnswer(request, sync, startedAt)))
      return undefined
    const entry = memory.getEntry(space, key, clock.now())
    if (entry === undefined) return undefined
    const state = clock.now() < entry.freshUntilMs ? 'fresh' : 'stale'
    return {
      ...entry,
      state,
      source: memory.name,
      tags: entry.tags ?? [],
      seen: space.namespace.sequence,
      provenAtMs: this.#recent?.provenAtMs(space, key) ?? Number.NEGATIVE_INFINITY,
      isStored: true,
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

  /**
   * True if what memory holds is the answer: it is fresh, or stale and one flight, which `start` sets going, brings a
   * new one meanwhile.
   */
  answers(
    request: ReadRequest,
    held: FoundValue,
    start = (job: Job): void => this.land(job, this.#produce(job)),
  ): boolean {
    const { counters } = request.space.policy
    if (held.state === 'fresh') {
      counters.memoryHits++
      this.#tellHit(request, held)
      return true
    }
    const { whileRevalidateMs } = request.space.policy.rules
    if (request.fill === undefined || this.#parts.clock.now() >= held.freshUntilMs + whileRevalidateMs) return false
    this.#tellStale(request, held, 'revalidate')
    if (!request.space.flights.joinable(request.key)) {
      const job = this.begin(request, held)
      job.isAwaited = false
      start(job)
    }
    return true
  }

  /**
   * The flight that this caller may join. One rule for use and join: what a flight brings is as new as the later of its
   * start and the last sync.
   */
  joinable(request: ReadRequest): Flight<Found> | undefined {
    const { sync, clock } = this.#parts
    const { space, key, level, fill } = request
    if (fill === undefined || (level === 'strict' && sync !== undefined)) return undefined
    const flight = space.flights.joinable(key)
    if (flight === undefined) return undefined
    if (
      sync !== undefined &&
      level === 'bounded' &&
      !sync.covers(flight.isLocal ? Number.NEGATIVE_INFINITY : flight.startedAtMs, clock.now())
    )
      return undefined
    this.#tellJoined(request)
    return flight
  }

  #tellJoined(request: ReadRequest): void {
    const { events } = this.#parts
    request.space.policy.counters.joined++
    if (events.hears('joined')) events.emit({ type: 'joined', ...subject(request) })
  }

  /** A flight that a strict call may join if it proves new enough; the one that did not is answered again. */
  #strictFlight({ space, key, level, fill }: ReadRequest, refused?: Flight<Found>): Flight<Found> | undefined {
    if (this.#shared === undefined || level !== 'strict' || fill === undefined) return refused
    const flight = space.flights.joinable(key)
    return flight?.isStrict ? flight : refused
  }

  /** What a flight brings that began after the call, whose load did, or whose lease and clock still stand after it. */
  async #joinIfProven(request: ReadRequest, flight: Flight<Found>, calledAt: number): Promise<Found | undefined> {
    const { space, key, signal } = request
    const isLater = flight.begunAt > calledAt
    if (!isLater && flight.loadBegunAt === 0) await settledFirst(flight.decided, signal)
    const isProven =
      isLater ||
      flight.loadBegunAt > calledAt ||
      (flight.lease !== undefined && (await this.#shared!.coordinator.stands({ space, key, flight })))
    if (!isProven || flight.isDetached || flight.isPoisoned) return undefined
    this.#tellJoined(request)
    if (isLater) return this.join(flight, signal)
    const found = await this.wait(flight, signal)
    // A stale value may stand in for a call that came before it was found, not for a later one.
    return found.state === 'stale' ? undefined : joinedBy(found)
  }

  /** Registers a flight. Synchronous with the look at memory before it, so that no invalidation falls in between. */
  begin(request: ReadRequest, candidate: FoundValue | undefined): Job {
    const { space, key, userKey, level, fill, tags } = request
    const flight = new Flight<Found>(key, space.namespace.sequence, this.#parts.clock.now())
    // A read-only flight can be poisoned like any other, but a caller with a fill must not join it.
    if (fill === undefined) flight.isDetached = true
    flight.isStrict = level === 'strict'
    space.flights.register(flight)
    return { space, key, userKey, level, fill, tags, flight, candidate, isAwaited: true }
  }

  /** Gives a flight its outcome: the value, a stale value that may stand in for an error, or the error. */
  land(job: Job, outcome: Promise<Found>): void {
    const { flight, space } = job
    const landed = outcome
      .then(
        (found) => flight.succeed(found),
        (error: unknown) => {
          if (isServable(job, space.policy.rules.ifErrorMs, this.#parts.clock.now())) {
            if (flight.waiters > 0) this.#tellStale(job, job.candidate, 'error')
            flight.succeed(job.candidate)
          } else flight.fail(error)
        },
      )
      .finally(() => space.flights.settle(flight))
    this.#parts.work.track(landed)
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
    if (sync === undefined || (level === 'eventual' && sync.isAnchored)) return true
    if (level !== 'bounded') return false
    return sync.isCurrent(flight.startedAtMs) || ((await sync.sync()) && sync.isCurrent(flight.startedAtMs))
  }

  /** The disk is open, and what it knows of the namespace is known here: before a flight begins. */
  async #ready({ namespace }: Space): Promise<void> {
    const { disk } = this.#parts
    if (disk !== undefined && !disk.isReady(namespace)) await disk.ready(namespace)
  }

  async #produce(job: Job): Promise<Found> {
    const [local] = await this.fromDisk([job])
    if (local !== undefined) return local
    if (this.#shared === undefined) {
      return job.fill ? this.#solo.alone(this.missed(job)) : this.#unfilled(job, job.candidate ?? MISSING)
    }
    const [looked] = await this.#shared.reader.look([job])
    const found = this.taken(job, looked!)
    if (found !== undefined) return found
    if (looked!.state === 'failed') return this.#solo.alone(this.missed(job))
    return this.#shared.coordinator.fill(this.missed(job), looked!.state === 'found' ? looked!.fillId : looked!.deadId)
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
      if (job.isAwaited) {
        if (found.source === 'disk') job.space.policy.counters.diskHits++
        else job.space.policy.counters.sharedHits++
        this.#tellHit(job, found)
      }
      return found
    }
    job.candidate = found
    if (job.fill === undefined) return this.#unfilled(job, found)
    const { whileRevalidateMs } = job.space.policy.rules
    if (job.isAwaited && isServable(job, whileRevalidateMs, this.#parts.clock.now())) {
      // The callers have their answer; the flight goes on and brings a new value.
      job.isAwaited = false
      job.flight.succeedEarly(this.#tellStale(job, found, 'revalidate'), found.freshUntilMs + whileRevalidateMs)
    }
    return undefined
  }

  /** Counts the miss of a job that callers wait for. */
  missed(job: Job): Job {
    if (job.isAwaited) this.#tellMiss(job)
    return job
  }

  /** What a flight of somebody else brings. */
  async join(flight: Flight<Found>, signal: AbortSignal | undefined): Promise<Found> {
    const { early } = flight
    const found =
      early !== undefined && this.#parts.clock.now() < early.untilMs ? early.value : await this.wait(flight, signal)
    return joinedBy(found)
  }

  /** The flight's answer, or the caller's own abort. The last caller to give up aborts the fill. */
  async wait(flight: Flight<Found>, signal: AbortSignal | undefined): Promise<Found> {
    const { answer } = flight
    flight.waiters++
    if (signal === undefined) return answer
    let onAbort!: () => void
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => {
        // Who was answered early is not counted any more.
        if (flight.answer === answer && --flight.waiters === 0) {
          flight.isDetached = true
          flight.abort.abort(signal.reason)
        }
        reject(signal.reason)
      }
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
    })
    try {
      return await Promise.race([aborted, answer])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** The answer of a read without a fill that found nothing fresh. */
  #unfilled(job: Job, found: Found): Found {
    this.#tellMiss(job)
    return found
  }

  #tellMiss(job: Job): void {
    job.space.policy.counters.misses++
    if (this.#parts.events.hears('miss')) this.#parts.events.emit({ type: 'miss', ...subject(job) })
  }

  #tellHit(request: Pick<ReadRequest, 'space' | 'userKey'>, found: FoundValue): void {
    const { events } = this.#parts
    if (events.hearsHits) events.emit({ type: 'hit', ...subject(request), tier: found.source })
  }

  #tellStale(
    request: Pick<ReadRequest, 'space' | 'userKey'>,
    found: FoundValue,
    cause: 'revalidate' | 'error',
  ): FoundValue {
    // Who gets it instead of an error waited for a fill: that was a miss.
    if (cause === 'revalidate') request.space.policy.counters.staleHits++
    const { events } = this.#parts
    if (events.hears('stale')) events.emit({ type: 'stale', ...subject(request), tier: found.source, cause })
    return found
  }
}

function joinedBy(found: Found): Found {
  return found.state === 'fresh' || found.state === 'stale' ? { ...found, source: 'flight' } : found
}

/** As the promise; rejects with the signal's reason if that comes first. */
async function settledFirst(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise
  signal.throwIfAborted()
  let onAbort!: () => void
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
