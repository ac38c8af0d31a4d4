import type { Events } from './events.js'
import type { FoundValue } from './found.js'
import { type Job, subject } from './job.js'

type Subject = Pick<Job, 'space' | 'userKey'>

/** What reads come to: counted always, told while somebody listens. */
export class ReadEvents {
  readonly #events: Events

  constructor(events: Events) {
    this.#events = events
  }

  hit(read: Subject, found: FoundValue, counter: 'memoryHits' | 'diskHits' | 'sharedHits'): void {
    read.space.policy.counters[counter]++
    if (this.#events.hearsHits) this.#events.emit({ type: 'hit', ...subject(read), tier: found.source })
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
