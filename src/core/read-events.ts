import type { Events } from './events.js'
import type { FoundValue } from './found.js'
import { type Job, subject } from './job.js'
import type { Key } from './ports/local-tier.js'
import type { Space } from './space.js'

type Subject = Pick<Job, 'space' | 'userKey'>

/** What reads come to: counted always, told while somebody listens. */
export class ReadEvents {
  readonly #events: Events

  constructor(events: Events) {
    this.#events = events
  }

  hit(read: Subject, found: FoundValue, counter: 'memoryHits' | 'diskHits' | 'sharedHits'): void {
    read.space.policy.counters[counter]++
    if (this.#events.hearsHits) this.tellHit(read.space, read.userKey, found.source)
  }

  /** To be called only while the events hear hits. */
  tellHit(space: Space, userKey: Key, tier: string): void {
    const { hits, tellsHits } = this.#events
    if (hits.isWanted) hits.note(space.namespace)
    if (tellsHits) this.#events.emit({ type: 'hit', ...subject({ space, userKey }), tier })
  }

  miss(read: Subject): void {
    read.space.policy.counters.misses++
    if (this.#events.hears('miss')) this.#events.emit({ type: 'miss', ...subject(read) })
  }

  joined(read: Subject): void {
    read.space.policy.counters.joined++
    if (this.#events.hears('joined')) this.#events.emit({ type: 'joined', ...subject(read) })
  }

  stale(read: Subject, found: FoundValue, cause: 'revalidate' | 'error'): void {
    // Who gets it instead of an error waited for a fill: that was a miss.
    if (cause === 'revalidate') read.space.policy.counters.staleHits++
    if (this.#events.hears('stale')) this.#events.emit({ type: 'stale', ...subject(read), tier: found.source, cause })
  }
}
