import { Flight, type Flights } from './flights.js'
import type { Found } from './found.js'
import type { CancelTimer, Clock } from './ports/clock.js'
import type { Key } from './ports/local-tier.js'

/** Keys of one space that callers of a sync view may be computing at once. */
const MAX_TICKETS = 10_000

/** A key that was missed by callers of a sync view, who may `set` it soon. */
interface Ticket {
  /** Registered like any read, so that an invalidation poisons it. */
  readonly flight: Flight<Found>
  /** Misses that no `set` has answered yet. */
  owners: number
  lapsesAtMs: number
  /** Some missed the key before an invalidation, and may still come back. */
  doubt: Doubt | undefined
}

interface Doubt {
  readonly untilMs: number
  /** Of them and of those who missed it later: misses that no `set` has answered yet. */
  owners: number
}

/**
 * What ties a `set` of a sync view to the miss before it. The call shapes of a sync cache name only the key, so nobody
 * can say which of several callers comes back: once an invalidation has poisoned a key's ticket, no `set` of that key is
 * kept until all who have missed it came back, or the time of those who had missed it before is over.
 */
export class Tickets {
  readonly #clock: Clock
  readonly #flights: Flights<Found>
  /** In the order of their last issue, so that the first lapses first. */
  readonly #byKey = new Map<Key, Ticket>()
  readonly #lifeMs: number
  /** A ticket was dropped for want of room: until then a `set` without a ticket may be the one that belongs to it. */
  #doubtfulUntilMs = Number.NEGATIVE_INFINITY
  #cancelTimer: CancelTimer | undefined

  /** `lifeMs`: who hasn't come back by then has failed. */
  constructor(flights: Flights<Found>, { clock, lifeMs }: { clock: Clock; lifeMs: number }) {
    this.#flights = flights
    this.#clock = clock
    this.#lifeMs = lifeMs
  }

  /** A caller missed the key. `sequence`: the namespace's now. */
  issue(key: Key, sequence: number): void {
    const nowMs = this.#clock.now()
    const known = this.#byKey.get(key)
    const isOpen = known !== undefined && nowMs < known.lapsesAtMs
    if (isOpen && !known.flight.isPoisoned) {
      known.owners++
      if (known.doubt !== undefined) known.doubt.owners++
      known.lapsesAtMs = nowMs + this.#lifeMs
      this.#byKey.delete(key)
      this.#byKey.set(key, known)
      return
    }
    if (known !== undefined) this.#drop(key, known)
    if (this.#byKey.size >= MAX_TICKETS) this.#forgetOldest(nowMs)
    const flight = new Flight<Found>(key, sequence, nowMs)
    // Nobody can wait for it.
    flight.isDetached = true
    this.#flights.register(flight)
    const doubt = isOpen ? doubtOf(known, nowMs) : undefined
    this.#byKey.set(key, { flight, owners: 1, lapsesAtMs: nowMs + this.#lifeMs, doubt })
    this.#cancelTimer ??= this.#clock.setHousekeepingTimer(this.#purge, this.#lifeMs)
  }

  /**
   * A caller came back with a value. Answers the sequence from which on the value holds: that of its miss, `sequence`
   * if nobody missed the key; undefined if it may be older than an invalidation.
   */
  redeem(key: Key, sequence: number): number | undefined {
    const ticket = this.#byKey.get(key)
    if (ticket === undefined) return this.#clock.now() < this.#doubtfulUntilMs ? undefined : sequence
    const { flight, doubt } = ticket
    if (doubt !== undefined && this.#clock.now() < doubt.untilMs) {
      if (--doubt.owners === 0) this.#drop(key, ticket)
      return undefined
    }
    ticket.doubt = undefined
    if (--ticket.owners === 0) this.#drop(key, ticket)
    return flight.isPoisoned ? undefined : flight.seen
  }

  close(): void {
    this.#cancelTimer?.()
    for (const [key, ticket] of this.#byKey) this.#drop(key, ticket)
  }

  readonly #purge = (): void => {
    this.#cancelTimer = undefined
    const nowMs = this.#clock.now()
    for (const [key, ticket] of this.#byKey) {
      if (ticket.lapsesAtMs > nowMs) {
        this.#cancelTimer = this.#clock.setHousekeepingTimer(this.#purge, ticket.lapsesAtMs - nowMs)
        return
      }
      this.#drop(key, ticket)
    }
  }

  #forgetOldest(nowMs: number): void {
    const [key, ticket] = this.#byKey.entries().next().value!
    this.#drop(key, ticket)
    this.#doubtfulUntilMs = nowMs + this.#lifeMs
  }

  #drop(key: Key, ticket: Ticket): void {
    this.#byKey.delete(key)
    this.#flights.settle(ticket.flight)
  }
}

/** What a poisoned ticket leaves to the next one, together with the miss that begins that. */
function doubtOf({ owners, lapsesAtMs, doubt }: Ticket, nowMs: number): Doubt {
  const isOpen = doubt !== undefined && nowMs < doubt.untilMs
  return { untilMs: lapsesAtMs, owners: (isOpen ? doubt.owners : owners) + 1 }
}
