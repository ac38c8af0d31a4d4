import { Abort } from './abort.js'
import { Deferred } from './deferred.js'
import type { Key } from './ports/local-tier.js'

/**
 * One read or fill under way for one key, in this process.
 *
 * ```
 *                 answered early with stale data, work goes on
 *               ┌───────────────────────────────┐
 *   running ────┤                               ├──► settled (leaves the table)
 *      │        └── result or error ────────────┘
 *      ├─ detached: nobody new may join; its result may be kept if it proves alive
 *      └─ poisoned: an invalidation of its key passed; nobody may join, its result is kept nowhere here
 * ```
 *
 * Callers that were there before keep waiting: they began before the invalidation.
 */
export class Flight<T> {
  readonly key: Key
  /** The namespace's sequence when it began: what is loaded is at least as new as that. */
  readonly seen: number
  readonly startedAtMs: number
  /** Callers that want the result; when the last one gives up, the fill is aborted. */
  waiters = 0
  #abort: Abort | undefined
  /** The next older and the next newer flight of the same key that are still under way. */
  older: Flight<T> | undefined
  newer: Flight<T> | undefined

  isDetached = false
  /** While it looks at a local tier: what it brings is as recent as the last sync, not as its own start. */
  isLocal = false
  /** 'soft': the entry was made stale; what was known of it may still be served as stale. */
  poison: 'none' | 'soft' | 'hard' = 'none'

  /** When it was registered, and when its load of the origin began, in the space's count; 0 = not yet. */
  begunAt = 0
  loadBegunAt = 0
  /** True for one that was begun by a strict read. */
  isStrict = false
  /** The lease under which it loads, if it has one. */
  lease: { readonly token: string; readonly epoch: string; readonly born: number } | undefined
  /** A look at that lease that is about to be sent. */
  look: Promise<boolean> | undefined
  #decided: Deferred<void> | undefined

  /** A stale value that stood in before the work ended, and until when it may. */
  early: { readonly value: T; readonly untilMs: number } | undefined
  /** Made when somebody asks: most flights end before anybody joins. */
  #answer: Deferred<T> | undefined
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined

  constructor(key: Key, seen: number, startedAtMs: number) {
    this.key = key
    this.seen = seen
    this.startedAtMs = startedAtMs
  }

  /** What whoever joins now waits for. */
  get answer(): Promise<T> {
    if (this.#answer === undefined) {
      this.#answer = new Deferred()
      this.#settle()
    }
    return this.#answer.promise
  }

  /** One more caller waits for it. */
  join(): Promise<T> {
    this.waiters++
    return this.answer
  }

  /** A caller gives up. True if it was the last one; who was answered early is not counted any more. */
  leave(answer: Promise<T>): boolean {
    return this.#answer?.promise === answer && --this.waiters === 0
  }

  /** Ends its work. */
  get abort(): Abort {
    this.#abort ??= new Abort()
    return this.#abort
  }

  get isPoisoned(): boolean {
    return this.poison !== 'none'
  }

  invalidate(soft: boolean): void {
    if (this.poison !== 'hard') this.poison = soft ? 'soft' : 'hard'
  }

  /** Answers all who wait now; the work goes on, and who joins after `untilMs` waits for what it brings. */
  succeedEarly(value: T, untilMs: number): void {
    const answered = this.#answer
    this.early = { value, untilMs }
    this.waiters = 0
    this.#answer = undefined
    answered?.resolve(value)
  }

  succeed(value: T): void {
    this.#outcome = { value }
    this.#settle()
    this.#decided?.resolve()
  }

  fail(error: unknown): void {
    this.#outcome = { error }
    this.#settle()
    this.#decided?.resolve()
  }

  /** The origin is asked from now on. */
  beginLoad(at: number): void {
    this.loadBegunAt = at
    this.#decided?.resolve()
  }

  /** Resolves once it loads, or has ended without. */
  get decided(): Promise<void> {
    this.#decided ??= new Deferred()
    if (this.#outcome !== undefined || this.loadBegunAt > 0) this.#decided.resolve()
    return this.#decided.promise
  }

  #settle(): void {
    const outcome = this.#outcome
    if (outcome === undefined || this.#answer === undefined) return
    const { promise, resolve, reject } = this.#answer
    if ('value' in outcome) resolve(outcome.value)
    else {
      // Those who wait may have given up; whoever still does sees the rejection.
      promise.catch(ignore)
      reject(outcome.error)
    }
  }
}

function ignore(): void {}

/** So many registrations, and as many more as flights are under way, before the table begins anew. */
const RENEWED_AFTER = 1_024

/** The flights of one space. A flight registers before its first await, so that no invalidation can miss it. */
export class Flights<T> {
  /**
   * Renewed now and then. A Map that grows or has had many deletions gets a new table, and V8 chains the old ones: one
   * that has become old keeps all later ones alive until a full collection, with every flight and value that they held.
   */
  #newest = new Map<Key, Flight<T>>()
  #sinceRenewed = 0
  #moments = 0
  /** Invalidations and stores of single keys so far. */
  keyEvents = 0

  get size(): number {
    return this.#newest.size
  }

  /** The flight that a new caller may join, if any. */
  joinable(key: Key): Flight<T> | undefined {
    const flight = this.#newest.get(key)
    return flight === undefined || flight.isDetached || flight.isPoisoned ? undefined : flight
  }

  /** The next number of a count that orders what callers and flights of this space do. */
  moment(): number {
    return ++this.#moments
  }

  register(flight: Flight<T>): void {
    flight.begunAt = this.moment()
    if (++this.#sinceRenewed > RENEWED_AFTER + this.#newest.size) {
      this.#newest = new Map(this.#newest)
      this.#sinceRenewed = 0
    }
    const older = this.#newest.get(flight.key)
    flight.older = older
    if (older !== undefined) older.newer = flight
    this.#newest.set(flight.key, flight)
  }

  /** Takes a flight out of the table; to be called once for each that was registered. */
  settle({ key, older, newer }: Flight<T>): void {
    if (older !== undefined) older.newer = newer
    if (newer !== undefined) newer.older = older
    else if (older !== undefined) this.#newest.set(key, older)
    else this.#newest.delete(key)
  }

  /** The flights of a key, the newest first. */
  *of(key: Key): Generator<Flight<T>> {
    for (let flight = this.#newest.get(key); flight; flight = flight.older) yield flight
  }

  poison(key: Key, soft: boolean): void {
    this.keyEvents++
    for (let flight = this.#newest.get(key); flight; flight = flight.older) flight.invalidate(soft)
  }

  poisonAll(): void {
    for (const flight of this.all()) flight.invalidate(false)
  }

  detachAll(): void {
    for (const flight of this.all()) flight.isDetached = true
  }

  /** Those that have begun to ask the origin. */
  detachLoads(): void {
    for (const flight of this.all()) if (flight.loadBegunAt > 0) flight.isDetached = true
  }

  *all(): Generator<Flight<T>> {
    for (const newest of this.#newest.values()) {
      for (let flight: Flight<T> | undefined = newest; flight; flight = flight.older) yield flight
    }
  }
}
