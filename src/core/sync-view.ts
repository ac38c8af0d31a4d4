import type { CacheCore } from './cache-core.js'
import { type WriteOptions, writeRequest } from './call-requests.js'
import { checkKey } from './check-key.js'
import { CacheError, InvalidOptionError } from './errors.js'
import { subject } from './job.js'
import { checkFields } from './options.js'
import type { Key } from './ports/local-tier.js'
import type { Space } from './space.js'
import { Tickets } from './tickets.js'
import type { WriteRequest } from './write.js'

export interface SyncWriteOptions extends WriteOptions {
  /**
   * The value is new, not computed from what was there: every other process must drop its copy. Published in the
   * background. Default false: kept in this process only.
   */
  authoritative?: boolean
}

/**
 * A policy's entries in memory, without promises: for call sites that are synchronous and must stay so.
 *
 * ```ts
 * const inventory = cache.syncView(inventoryPolicy)
 * let tables = inventory.get('org-7')
 * if (tables === undefined) {
 *   tables = await db.tables('org-7')
 *   inventory.set('org-7', tables)
 * }
 * ```
 *
 * `get` answers what memory holds and can prove to be recent enough, like `peek`. A miss is remembered: the `set` that
 * follows keeps its value only if no invalidation of the key, its tags or its namespace came in between, so a value
 * loaded before an invalidation is not kept after it. A `set` that comes later than the policy's `fillTimeout.hard`
 * after its miss is taken for a value computed just now.
 *
 * With a shared tier a sync view keeps following the log, also while nobody reads: a first read after a pause could not
 * wait for it. That is one small command a poll interval.
 *
 * What other processes must know is sent in the background, and `close` waits for it. An invalidation that nobody
 * acknowledges is queued and delivered later; what cannot be sent is a `publish-failed` event.
 */
export class SyncView<K extends Key, V> {
  readonly #core: CacheCore
  readonly #spaceNow: () => Space

  /** `spaceNow`: the policy's space; throws if the cache is closed. */
  constructor(core: CacheCore, spaceNow: () => Space) {
    this.#core = core
    this.#spaceNow = spaceNow
    if (core.parts.memory === undefined) {
      throw new InvalidOptionError({
        field: 'syncView',
        value: undefined,
        rule: 'needs a memory tier among createCache.tiers',
      })
    }
    spaceNow()
    if (core.parts.sync) core.parts.sync.staysCurrent = true
    core.syncSoon()
  }

  /** The fresh value in memory, or undefined: then the caller may compute it and `set` it. */
  get(key: K): V | undefined {
    const space = this.#spaceNow()
    const held = checkKey(key)
    const value = this.#core.reader.fresh(space, held)
    if (value !== undefined) return value as V
    const { events } = this.#core.parts
    space.policy.counters.misses++
    if (events.hears('miss')) events.emit({ type: 'miss', ...subject({ space, userKey: key }) })
    this.#ticketsOf(space).issue(held, space.namespace.sequence)
    this.#core.syncSoon()
    return undefined
  }

  /**
   * Keeps a value in this process; with `authoritative`, everywhere. `undefined` is not kept; if it is authoritative,
   * what was there is gone.
   */
  set(key: K, value: V, options: SyncWriteOptions = {}): void {
    const { authoritative = false, ...details } = checkFields(
      options,
      ['ttl', 'tags', 'version', 'authoritative'],
      'options',
    ) as SyncWriteOptions
    if (typeof authoritative !== 'boolean') {
      throw new InvalidOptionError({
        field: 'options.authoritative',
        value: authoritative,
        rule: 'must be true or false',
      })
    }
    const space = this.#spaceNow()
    const request = writeRequest(this.#core, space, { userKey: key, value, options: details })
    const seen = this.#ticketsOf(space).redeem(checkKey(key), space.namespace.sequence)
    if (authoritative) this.#publish(request)
    else if (seen !== undefined) this.#core.writer.keepHere(request, seen)
    else this.#tellNotKept(request)
  }

  /** Drops the entry here at once, and everywhere soon. */
  invalidate(key: K): void {
    const space = this.#spaceNow()
    const entries = [{ space, key: checkKey(key) }]
    const invalidation = { namespace: space.namespace, entries, tags: [], clear: false, soft: false }
    const told = this.#core
      .invalidate(invalidation, 'queue')
      .catch((error: unknown) => this.#fail({ space, userKey: key }, 'invalidate', error))
    void this.#core.track(told)
  }

  /** Here at once, elsewhere when the shared tier has it. */
  #publish(request: WriteRequest): void {
    const { writer, parts } = this.#core
    const stored = writer.set([request])
    if (parts.shared) writer.keepHere(request, request.space.namespace.sequence)
    const told = stored.then(
      ([outcome]) => {
        if (CacheError.is(outcome)) this.#fail(request, 'set', outcome)
        // Something newer crossed it: what was put here meanwhile must not stay.
        else if (outcome !== 'stored') writer.drop(request.space, request.key)
      },
      (error: unknown) => this.#fail(request, 'set', error),
    )
    void this.#core.track(told)
  }

  #fail(request: { space: Space; userKey: Key }, operation: 'set' | 'invalidate', error: unknown): void {
    const { events } = this.#core.parts
    // What was not published must not stay here alone.
    if (operation === 'set') this.#core.writer.drop(request.space, checkKey(request.userKey))
    if (events.hears('publish-failed')) events.emit({ type: 'publish-failed', ...subject(request), operation, error })
  }

  #tellNotKept(request: WriteRequest): void {
    const { events } = this.#core.parts
    request.space.policy.counters.notStored++
    if (events.hears('not-stored')) events.emit({ type: 'not-stored', ...subject(request), cause: 'invalidated' })
  }

  #ticketsOf(space: Space): Tickets {
    const { clock } = this.#core.parts
    space.tickets ??= new Tickets(space.flights, { clock, lifeMs: space.policy.rules.hardMs })
    return space.tickets
  }
}
