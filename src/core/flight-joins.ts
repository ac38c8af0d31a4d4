import type { Coordinator } from './coordinator.js'
import type { Flight } from './flights.js'
import type { Found } from './found.js'
import type { CacheParts } from './parts.js'
import type { ReadEvents } from './read-events.js'
import type { ReadRequest } from './read-request.js'

/** Who may wait for a flight that somebody else began, and the waiting itself. */
export class FlightJoins {
  readonly #parts: CacheParts
  readonly #events: ReadEvents
  /** Undefined without a shared tier: then all levels read memory, and none needs a proof. */
  readonly #coordinator: Coordinator | undefined

  constructor(
    parts: CacheParts,
    { events, coordinator }: { events: ReadEvents; coordinator: Coordinator | undefined },
  ) {
    this.#parts = parts
    this.#events = events
    this.#coordinator = coordinator
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
    this.#events.joined(request)
    return flight
  }

  /** A flight that a strict call may join if it proves new enough; the one that did not is answered again. */
  strict({ space, key, level, fill }: ReadRequest, refused?: Flight<Found>): Flight<Found> | undefined {
    if (this.#coordinator === undefined || level !== 'strict' || fill === undefined) return refused
    const flight = space.flights.joinable(key)
    return flight?.isStrict ? flight : refused
  }

  /** What a flight brings that began after the call, whose load did, or whose lease and clock still stand after it. */
  async ifProven(request: ReadRequest, flight: Flight<Found>, calledAt: number): Promise<Found | undefined> {
    const { space, key, signal } = request
    const isLater = flight.begunAt > calledAt
    if (!isLater && flight.loadBegunAt === 0) await settledFirst(flight.decided, signal)
    const isProven =
      isLater ||
      flight.loadBegunAt > calledAt ||
      (flight.lease !== undefined && (await this.#coordinator!.stands({ space, key, flight })))
    if (!isProven || flight.isDetached || flight.isPoisoned) return undefined
    this.#events.joined(request)
    if (isLater) return this.join(request, flight)
    const found = await this.wait(flight, signal)
    // A stale value may stand in for a call that came before it was found, not for a later one.
    return found.state === 'stale' ? undefined : this.#joined(found)
  }

  /**
   * What a flight of somebody else brings. Undefined if it is older than this caller's bound allows: what the flight
   * held before, or judged by the log as it was then, where the log has not been followed since; or what died between
   * its judgement and this call.
   */
  async join({ space: { namespace }, level, signal }: ReadRequest, flight: Flight<Found>): Promise<Found | undefined> {
    const { sync, clock } = this.#parts
    const nowMs = clock.now()
    const joinedAt = namespace.sequence
    const isFollowed = sync === undefined || level !== 'bounded' || sync.isCurrent(nowMs)
    const suits = (found: Found): boolean =>
      !('provenAtMs' in found) ||
      ((isFollowed || found.provenAtMs >= flight.startedAtMs) &&
        (found.seen >= joinedAt || namespace.standing(found.seen, found.tags) !== 'dead'))
    const { early } = flight
    const isIn = early !== undefined && nowMs < early.untilMs && suits(early.value)
    const found = isIn ? early.value : await this.wait(flight, signal)
    return suits(found) ? this.#joined(found) : undefined
  }

  /** The flight's answer, or the caller's own abort. The last caller to give up aborts the fill. */
  wait(flight: Flight<Found>, signal: AbortSignal | undefined): Promise<Found> {
    const answer = flight.join()
    return signal === undefined ? answer : waitUnlessAborted(flight, answer, signal)
  }

  /** The value itself belongs to whoever began the flight. */
  #joined(found: Found): Found {
    if (found.state !== 'fresh' && found.state !== 'stale') return found
    const { memory } = this.#parts
    return { ...found, source: 'flight', value: memory ? memory.another(found.value) : found.value }
  }
}

async function waitUnlessAborted(flight: Flight<Found>, answer: Promise<Found>, signal: AbortSignal): Promise<Found> {
  let onAbort!: () => void
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      if (flight.leave(answer)) {
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
