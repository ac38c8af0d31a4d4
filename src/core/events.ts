import { InvalidOptionError } from './errors.js'
import { HitTally } from './hit-tally.js'
import { checkOneOf } from './options.js'
import type { BreakerState } from './ports/breaker-state.js'
import type { PressureChange, RemovalReason } from './ports/local-tier.js'
import type { TierOperation } from './told-tier.js'

/** Everything a cache tells about itself. No event carries a value; keys are given only to listeners in this process. */
export type CacheEvent =
  | { type: 'hit'; policy: string; tenant: string; key: string | number; tier: string }
  | {
      type: 'stale'
      policy: string
      tenant: string
      key: string | number
      tier: string
      cause: 'revalidate' | 'error' | 'slow'
    }
  | { type: 'miss'; policy: string; tenant: string; key: string | number }
  | { type: 'joined'; policy: string; tenant: string; key: string | number }
  | {
      type: 'followed'
      policy: string
      tenant: string
      key: string | number
      waitedMs: number
      outcome: 'value' | 'timeout' | 'retry' | 'error'
    }
  | { type: 'hedged'; policy: string; tenant: string; key: string | number }
  | {
      type: 'filled'
      policy: string
      tenant: string
      key: string | number
      durationMs: number
      stored: boolean
      negative: boolean
    }
  | { type: 'fill-failed'; policy: string; tenant: string; key: string | number; durationMs: number; error: unknown }
  | { type: 'fenced'; policy: string; tenant: string; key: string | number }
  | { type: 'lease-lost'; policy: string; tenant: string; key: string | number }
  | {
      type: 'not-stored'
      policy: string
      tenant: string
      key: string | number
      cause: 'too-large' | 'superseded' | 'unreadable' | 'invalidated' | 'full'
    }
  | {
      type: 'invalidated'
      tenant: string
      tags: readonly string[]
      entries: number
      clear: boolean
      soft: boolean
      source: 'local' | 'log' | 'push'
    }
  /** Nobody acknowledged it; it is delivered later, because its caller asked for that. */
  | { type: 'invalidation-queued'; tenant: string; tags: readonly string[]; entries: number; clear: boolean }
  /** What waited of one tenant was acknowledged: so many keys, tags and clears. */
  | { type: 'invalidation-delivered'; tenant: string; count: number }
  | { type: 'breaker'; tier: string; part: 'reads' | 'writes'; state: BreakerState }
  /** Records of the disk that could not be read as they were written; their entries are misses. */
  | { type: 'damaged'; tier: string; records: number }
  | { type: 'removed'; policy: string; tenant: string; reason: RemovalReason }
  | {
      type: 'publish-failed'
      policy: string
      tenant: string
      key: string | number
      operation: 'set' | 'invalidate'
      error: unknown
    }
  | ({ type: 'memory-pressure' } & PressureChange)
  | {
      type: 'tier-failed'
      tier: string
      operation: string
      error: unknown
      /** What was being filled, where the call was about one fill. */
      policy?: string
      tenant?: string
      key?: string | number
    }
  | { type: 'tier-called'; tier: string; operation: TierOperation; durationMs: number; failed: boolean }
  | { type: 'log-broken'; shard: number; cause: 'first' | 'trimmed' | 'rewound' | 'lost' }

export type CacheEventType = CacheEvent['type']
type EventOf<T extends CacheEventType> = Extract<CacheEvent, { type: T }>
type Listener = (event: CacheEvent) => void

const TYPES = [
  'hit',
  'stale',
  'miss',
  'joined',
  'followed',
  'hedged',
  'filled',
  'fill-failed',
  'fenced',
  'lease-lost',
  'not-stored',
  'invalidated',
  'invalidation-queued',
  'invalidation-delivered',
  'breaker',
  'damaged',
  'removed',
  'publish-failed',
  'memory-pressure',
  'tier-failed',
  'tier-called',
  'log-broken',
  '*',
] as const satisfies (CacheEventType | '*')[]

/**
 * Tells listeners. Whoever emits asks `hears` first, so that nothing is built for nobody. A listener that throws is
 * reported once as a process warning; it never disturbs the cache.
 */
export class Events {
  readonly #listeners = new Map<CacheEventType | '*', Set<Listener>>()
  #hasWarned = false
  /** The hot path asks for this one by field: somebody wants to be told of hits, or to have them counted. */
  hearsHits = false
  tellsHits = false
  readonly hits = new HitTally(() => this.#listen())

  hears(type: CacheEventType): boolean {
    return this.#listeners.size > 0 && (this.#listeners.has(type) || this.#listeners.has('*'))
  }

  emit(event: CacheEvent): void {
    for (const type of [event.type, '*'] as const) {
      for (const listener of this.#listeners.get(type) ?? []) {
        const warn = (error: unknown): void => this.#warn(event.type, error)
        try {
          const returned: unknown = listener(event)
          if (returned instanceof Promise) returned.catch(warn)
        } catch (error) {
          warn(error)
        }
      }
    }
  }

  /** Returns the function that ends it. */
  on<T extends CacheEventType | '*'>(
    type: T,
    listener: (event: T extends CacheEventType ? EventOf<T> : CacheEvent) => void,
  ): () => void {
    checkOneOf(type, TYPES, 'on: type')
    if (typeof listener !== 'function') {
      throw new InvalidOptionError({ field: 'on: listener', value: listener, rule: 'must be a function' })
    }
    const set = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, set)
    const own: Listener = (event) => listener(event as never)
    set.add(own)
    this.#listen()
    return () => {
      set.delete(own)
      if (set.size === 0) this.#listeners.delete(type)
      this.#listen()
    }
  }

  #listen(): void {
    this.tellsHits = this.#listeners.has('hit') || this.#listeners.has('*')
    this.hearsHits = this.tellsHits || this.hits.isWanted
  }

  #warn(type: string, error: unknown): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    process.emitWarning(
      `A listener of freshtier's '${type}' events threw; it is called again, later errors are not shown. ${String(error)}`,
    )
  }
}
