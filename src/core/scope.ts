import { BoundPolicy } from './bound-policy.js'
import type { CacheCore } from './cache-core.js'
import { checkKey } from './check-key.js'
import { type Entry, type EntryLookup, toEntry } from './entry.js'
import { CacheError, InvalidOptionError } from './errors.js'
import { checkVersion } from './fill.js'
import { DetailedValue, type FillContext, type FillResult, type ValueDetails } from './fill-context.js'
import type { Found } from './found.js'
import type { EntryRef } from './invalidate.js'
import type { Consistency } from './job.js'
import type { Namespace } from './namespace.js'
import { checkFields, checkItems, checkOneOf, checkPairs } from './options.js'
import { checkPolicy, type Policy } from './policy.js'
import type { Key } from './ports/local-tier.js'
import { parseDuration } from './quantity.js'
import type { ReadRequest } from './read.js'
import type { BoundFillMany, FillManyContext } from './read-many.js'
import { parseReceipt, type Receipt } from './receipt.js'
import type { Space } from './space.js'
import { checkTags } from './tags.js'
import type { WriteOutcome, WriteRequest } from './write.js'

/** What a single read may narrow. */
export interface ReadOptions {
  /** Gives up waiting; the fill is aborted when its last caller gave up. */
  signal?: AbortSignal | undefined
  /**
   * `'bounded'` (default): reflects every invalidation acknowledged more than `maxStaleness` ago. `'strict'`: every one
   * acknowledged before the call, at the price of a round trip. `'eventual'`: whatever is held within its ttl.
   */
  consistency?: Consistency
  /** At least as new as this invalidation, wherever it was done. */
  after?: Receipt | string | undefined
  /** Added to the tags of what is filled. */
  tags?: readonly string[]
}

export interface WriteOptions extends ValueDetails {}

/** What became of one key of a `setMany`. */
export type SetOutcome = { readonly state: 'stored' } | { readonly state: 'failed'; readonly error: CacheError }

export interface InvalidateRequest {
  tags?: readonly string[]
  entries?: readonly (readonly [policy: Policy, key: Key])[]
  /** Leave the entries as stale instead of removing them. Default false. */
  soft?: boolean
}

/** What a fill at the call may return for a policy of value type `V`. */
export type Fillable<V> = V | DetailedValue<V> | PromiseLike<V | DetailedValue<V>>

type Filled<V, R> = unknown extends V ? FillResult<R> : V
/** A fill of several keys: answers a Map or pairs. */
export type FillMany<K extends Key, V> = (keys: K[], context: FillManyContext) => ManyFilled<V> | Promise<ManyFilled<V>>
type ManyFilled<V> =
  | ReadonlyMap<Key, V | DetailedValue<V> | null>
  | Iterable<readonly [Key, V | DetailedValue<V> | null]>

const READ_FIELDS = ['signal', 'consistency', 'after', 'tags']
const NO_OPTIONS: ReadOptions = Object.freeze({})

/**
 * The calls of a cache within one namespace. Where a policy is left out, the cache's own default policy is meant
 * (`createCache({ ttl })`). Wrong arguments reject with an `InvalidOptionError`; a broken tier never does, except where
 * an invalidation or a `set` must be acknowledged.
 */
export class Scope {
  readonly #core: CacheCore
  #namespace: Namespace
  readonly #spaces = new Map<Policy, Space>()
  #lastPolicy: Policy | undefined
  #lastSpace: Space | undefined

  constructor(core: CacheCore, tenant: string) {
    this.#core = core
    this.#namespace = core.namespaces.get(tenant)
  }

  /** The tenant's id; '' outside any tenant. */
  get tenantId(): string {
    return this.#namespace.tenant
  }

  /**
   * The value, from the nearest tier that has it fresh, or filled: once for all who ask meanwhile.
   *
   * ```ts
   * const user = await cache.getOrFill(userPolicy, 'user-1', ({ signal }) => db.user('user-1', { signal }))
   * ```
   *
   * Rejects with the fill's own error if there is no stale value to stand in; `FILL_TIMEOUT`, `BULKHEAD_FULL`.
   */
  getOrFill<R>(key: Key, fill: (context: FillContext) => R, options?: ReadOptions): Promise<FillResult<R>>
  getOrFill<K extends Key, V>(policy: Policy<K, V, true>, key: NoInfer<K>, options?: ReadOptions): Promise<V>
  getOrFill<K extends Key, V, R extends Fillable<V>>(
    policy: Policy<K, V>,
    key: NoInfer<K>,
    fill: (context: FillContext) => R,
    options?: ReadOptions,
  ): Promise<Filled<V, R>>
  getOrFill(first: Policy | Key, second: unknown, third?: unknown, fourth?: unknown): Promise<unknown> {
    try {
      const isPolicy = typeof first === 'object'
      const policy = isPolicy ? first : this.#core.defaultPolicy
      const last = this.#lastSpace
      const lastSpace = last !== undefined && policy === this.#lastPolicy ? last : this.#space(first)
      const userKey = (isPolicy ? second : first) as Key
      const key = checkKey(userKey)
      const hasFill = !isPolicy || typeof third === 'function' || fourth !== undefined
      const options = isPolicy && hasFill ? fourth : third
      if (options === undefined) {
        const value = this.#core.reader.fresh(lastSpace, key)
        if (value !== undefined) return Promise.resolve(value)
      }
      // Off the hot path: is the cache open, and is this still the namespace of the tenant?
      const space = this.#space(first)
      const fill = this.#fillOf(space, first, userKey, isPolicy ? (hasFill ? third : undefined) : second)
      return this.#getOrFill(space, { userKey, key, fill, options }).then(valueFound)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** As `getOrFill`, with what is known about the value: where it came from, its age, its tags. */
  getOrFillEntry<R>(key: Key, fill: (context: FillContext) => R, options?: ReadOptions): Promise<Entry<FillResult<R>>>
  getOrFillEntry<K extends Key, V>(
    policy: Policy<K, V, true>,
    key: NoInfer<K>,
    options?: ReadOptions,
  ): Promise<Entry<V>>
  getOrFillEntry<K extends Key, V, R extends Fillable<V>>(
    policy: Policy<K, V>,
    key: NoInfer<K>,
    fill: (context: FillContext) => R,
    options?: ReadOptions,
  ): Promise<Entry<Filled<V, R>>>
  async getOrFillEntry(first: Policy | Key, second: unknown, third?: unknown, fourth?: unknown): Promise<unknown> {
    const isPolicy = typeof first === 'object'
    const space = this.#space(first)
    const userKey = (isPolicy ? second : first) as Key
    const [fill, options] = isPolicy ? fillAndOptions(third, fourth) : [second, third]
    const bound = this.#fillOf(space, first, userKey, fill)
    const found = await this.#getOrFill(space, { userKey, key: checkKey(userKey), fill: bound, options })
    return toEntry(found, this.#core.parts.clock)
  }

  /**
   * Several values by one look at each tier and at most two calls of the fill. A key that the fill leaves out is a
   * negative: `null`. Without `fillMany` the policy's own fill is called for each missing key.
   */
  getOrFillMany<K extends Key, V>(
    policy: Policy<K, V>,
    keys: Iterable<NoInfer<K>>,
    fillMany: FillMany<NoInfer<K>, V>,
    options?: ReadOptions,
  ): Promise<Map<K, V | null>>
  getOrFillMany<K extends Key, V>(
    policy: Policy<K, V, true>,
    keys: Iterable<NoInfer<K>>,
    options?: ReadOptions,
  ): Promise<Map<K, V | null>>
  async getOrFillMany(
    policy: Policy,
    keys: Iterable<Key>,
    third?: unknown,
    fourth?: unknown,
  ): Promise<Map<Key, unknown>> {
    const space = this.#space(policy)
    const wanted = checkItems(keys, 'keys')
    const [fillMany, options] = fillAndOptions(third, fourth)
    if (fillMany === undefined) {
      const values = await Promise.all(
        wanted.map((key) => this.getOrFill(policy as Policy<Key, unknown, true>, key, options as ReadOptions)),
      )
      return new Map(wanted.map((key, index) => [key, values[index]]))
    }
    if (typeof fillMany !== 'function')
      throw new InvalidOptionError({ field: 'fill', value: fillMany, rule: 'must be a function' })
    const requests = await this.#requests(space, wanted, options, unreachableFill)
    const found = await this.#core.many.read(requests, fillMany as BoundFillMany)
    return new Map(wanted.map((key, index) => [key, valueFound(found[index]!)]))
  }

  /** The value if a tier has it fresh, else `undefined`: a miss, or a shared tier that cannot be reached. */
  get<V = unknown>(key: Key, options?: ReadOptions): Promise<V | undefined>
  get<K extends Key, V>(policy: Policy<K, V>, key: NoInfer<K>, options?: ReadOptions): Promise<V | undefined>
  get(first: Policy | Key, second?: unknown, third?: unknown): Promise<unknown> {
    return this.#lookUp(first, second, third).then((found) => (found.state === 'fresh' ? found.value : undefined))
  }

  /** What is held of a key: fresh, stale, negative, missing, or failed if the shared tier could not be asked. */
  getEntry<V = unknown>(key: Key, options?: ReadOptions): Promise<EntryLookup<V>>
  getEntry<K extends Key, V>(policy: Policy<K, V>, key: NoInfer<K>, options?: ReadOptions): Promise<EntryLookup<V>>
  getEntry(first: Policy | Key, second?: unknown, third?: unknown): Promise<unknown> {
    return this.#lookUp(first, second, third).then((found) => toEntry(found, this.#core.parts.clock))
  }

  /** The fresh values among several keys; a missing key is not in the Map. */
  async getMany<K extends Key, V>(
    policy: Policy<K, V>,
    keys: Iterable<NoInfer<K>>,
    options?: ReadOptions,
  ): Promise<Map<K, V>> {
    const wanted = checkItems(keys, 'keys')
    const requests = await this.#requests(this.#space(policy), wanted, options, undefined)
    const found = await this.#core.many.read(requests, undefined)
    return new Map(
      wanted.flatMap((key, index) => (found[index]!.state === 'fresh' ? [[key, valueFound(found[index]!) as V]] : [])),
    )
  }

  /** Memory's fresh value, synchronously: `undefined` if it has none or cannot prove that it is recent enough. */
  peek<V = unknown>(key: Key): V | undefined
  peek<K extends Key, V>(policy: Policy<K, V>, key: NoInfer<K>): V | undefined
  peek(first: Policy | Key, second?: unknown): unknown {
    const isPolicy = typeof first === 'object'
    const policy = isPolicy ? first : this.#core.defaultPolicy
    const last = this.#lastSpace
    const space = last !== undefined && policy === this.#lastPolicy ? last : this.#space(first)
    const value = this.#core.reader.fresh(space, checkKey(isPolicy ? second : first))
    if (value !== undefined) return value
    this.#space(first)
    this.#core.syncSoon()
    return undefined
  }

  /** Fills now, whatever is held, and answers with the new value. */
  async refresh<K extends Key, V>(policy: Policy<K, V, true>, key: NoInfer<K>, options?: ReadOptions): Promise<V> {
    const space = this.#space(policy)
    const fill = this.#fillOf(space, policy, key, undefined)
    return valueFound(
      await this.#core.reader.refresh(await this.#request(space, { userKey: key, key: checkKey(key), fill, options })),
    ) as V
  }

  /** Stores a value that was computed elsewhere. Acknowledged by the shared tier, if there is one. */
  set(key: Key, value: unknown, options?: WriteOptions): Promise<void>
  set<K extends Key, V>(policy: Policy<K, V>, key: NoInfer<K>, value: NoInfer<V>, options?: WriteOptions): Promise<void>
  async set(first: Policy | Key, second: unknown, third?: unknown, fourth?: unknown): Promise<void> {
    const isPolicy = typeof first === 'object'
    const [key, value, options] = isPolicy ? [second, third, fourth] : [first, second, third]
    const request = this.#writeRequest(this.#space(first), key as Key, value, options)
    if (request === undefined) return
    const [failure] = await this.#write([request])
    if (failure) throw failure
  }

  /** Stores several values by one trip; a value that cannot be stored does not fail the rest. */
  async setMany<K extends Key, V>(
    policy: Policy<K, V>,
    entries: Iterable<readonly [NoInfer<K>, NoInfer<V>]>,
    options?: WriteOptions,
  ): Promise<Map<K, SetOutcome>> {
    const space = this.#space(policy)
    const outcomes = new Map<K, SetOutcome>()
    const requests: WriteRequest[] = []
    for (const [key, value] of new Map(checkPairs<K, V>(entries, 'entries'))) {
      const request = this.#writeRequest(space, key, value, options)
      if (request) requests.push(request)
      outcomes.set(key, { state: 'stored' })
    }
    const failures = await this.#write(requests)
    for (const [index, { userKey }] of requests.entries()) {
      const error = failures[index]
      if (error) outcomes.set(userKey as K, { state: 'failed', error })
    }
    return outcomes
  }

  /** Removes an entry everywhere. Resolves when acknowledged; a fill that began before is never served afterwards. */
  delete(key: Key): Promise<Receipt>
  delete<K extends Key>(policy: Policy<K>, key: NoInfer<K>): Promise<Receipt>
  async delete(first: Policy | Key, second?: unknown): Promise<Receipt> {
    return this.#invalidate([this.#ref(first, typeof first === 'object' ? second : first)], [], {})
  }

  /** Removes several entries by one trip. */
  async deleteMany<K extends Key>(policy: Policy<K>, keys: Iterable<NoInfer<K>>): Promise<Receipt> {
    return this.#invalidate(
      checkItems(keys, 'keys').map((key) => this.#ref(policy, key)),
      [],
      {},
    )
  }

  /**
   * Invalidates by tag and by entry, in every process. O(number of tags named), whatever they hold. Resolves with a
   * receipt when acknowledged.
   *
   * @throws CacheError `SHARED_TIER_FAILED`: nobody acknowledged it; repeat it, that is safe.
   */
  async invalidate(request: InvalidateRequest): Promise<Receipt> {
    const fields = checkFields(request, ['tags', 'entries', 'soft'], 'invalidate')
    const tags = checkTags(fields.tags, 'invalidate.tags')
    const { soft = false } = request
    const entries = fields.entries === undefined ? [] : checkPairs<Policy, Key>(fields.entries, 'invalidate.entries')
    if (typeof soft !== 'boolean')
      throw new InvalidOptionError({ field: 'invalidate.soft', value: soft, rule: 'must be true or false' })
    if (tags.length === 0 && entries.length === 0) {
      throw new InvalidOptionError({
        field: 'invalidate',
        value: request,
        rule: 'must name tags or entries; `clear()` is for everything',
      })
    }
    return this.#invalidate(
      entries.map(([policy, key]) => this.#ref(policy, key)),
      tags,
      { soft },
    )
  }

  /** Everything of this namespace: this tenant's entries, or those outside any tenant. O(1). */
  async clear(): Promise<Receipt> {
    return this.#invalidate([], [], { clear: true })
  }

  /** The calls of one policy, with nothing left to repeat. */
  bind<K extends Key, V, F extends boolean>(policy: Policy<K, V, F>): BoundPolicy<K, V, F> {
    this.#space(policy)
    return new BoundPolicy(this, policy)
  }

  async #lookUp(first: Policy | Key, second: unknown, third: unknown): Promise<Found> {
    const isPolicy = typeof first === 'object'
    const userKey = (isPolicy ? second : first) as Key
    const options = isPolicy ? third : second
    const request = await this.#request(this.#space(first), {
      userKey,
      key: checkKey(userKey),
      fill: undefined,
      options,
    })
    return this.#core.reader.read(request)
  }

  async #getOrFill(space: Space, call: Call): Promise<Found> {
    return this.#core.reader.read(await this.#request(space, call))
  }

  async #requests(
    space: Space,
    keys: readonly Key[],
    options: unknown,
    fill: ReadRequest['fill'],
  ): Promise<ReadRequest[]> {
    const checked = keys.map((userKey) => ({ userKey, key: checkKey(userKey) }))
    const first = await this.#request(space, { userKey: '', key: '', fill, options })
    return checked.map((key) => ({ ...first, ...key }))
  }

  /** Checks the options; for `after`, follows the log up to the receipt or makes the read strict. */
  async #request(space: Space, { userKey, key, fill, options }: Call): Promise<ReadRequest> {
    const { signal, consistency, after, tags } = checkFields(
      options === undefined ? NO_OPTIONS : options,
      READ_FIELDS,
      'options',
    ) as ReadOptions
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new InvalidOptionError({ field: 'options.signal', value: signal, rule: 'must be an AbortSignal' })
    }
    let level =
      consistency === undefined
        ? 'bounded'
        : checkOneOf(consistency, ['eventual', 'bounded', 'strict'], 'options.consistency')
    if (after !== undefined && level !== 'strict') {
      const hasReached = await this.#core.reach(parseReceipt(after, 'options.after'))
      level = hasReached ? 'bounded' : 'strict'
    }
    return { space, key, userKey, level, fill, tags: checkTags(tags, 'options.tags'), signal }
  }

  /** The space of a policy here. @throws CacheError `CACHE_CLOSED`, `POLICY_CONFLICT` */
  #space(first: Policy | Key): Space {
    this.#refresh()
    const policy = typeof first === 'object' ? first : this.#core.defaultPolicy
    let space = policy ? this.#spaces.get(policy) : undefined
    if (space === undefined) {
      if (this.#spaces.size >= 1_000) this.#spaces.clear()
      space = this.#core.namespaces.space(this.#namespace, policyOf(policy, first))
      this.#spaces.set(policy!, space)
    }
    this.#lastPolicy = policy
    this.#lastSpace = space
    return space
  }

  /** The tenant's namespace as it is now: one that was dropped for want of room is made again. */
  #refresh(): void {
    this.#core.checkOpen()
    if (!this.#namespace.isRetired) return
    this.#namespace = this.#core.namespaces.get(this.#namespace.tenant)
    this.#spaces.clear()
  }

  #fillOf(space: Space, first: Policy | Key, userKey: Key, fill: unknown): ReadRequest['fill'] {
    if (typeof fill === 'function') return fill as ReadRequest['fill']
    if (fill !== undefined) throw new InvalidOptionError({ field: 'fill', value: fill, rule: 'must be a function' })
    const own = typeof first === 'object' ? first.fill : undefined
    if (typeof own === 'function') return (context) => own(userKey, context) as unknown
    throw new CacheError(
      'FILL_MISSING',
      `Policy '${space.policy.name}' has no fill of its own: give one at the call, or to definePolicy.`,
    )
  }

  #ref(first: Policy | Key, key: unknown): EntryRef {
    return { space: this.#space(first), key: checkKey(key) }
  }

  async #invalidate(
    entries: readonly EntryRef[],
    tags: readonly string[],
    { soft = false, clear = false }: { soft?: boolean; clear?: boolean },
  ): Promise<Receipt> {
    this.#refresh()
    return this.#core.track(
      this.#core.invalidator.invalidate({ namespace: this.#namespace, entries, tags, clear, soft }),
    )
  }

  /** Undefined for `undefined`, which means "do not store". */
  #writeRequest(space: Space, userKey: Key, value: unknown, options: unknown): WriteRequest | undefined {
    const details = checkFields(
      options === undefined ? NO_OPTIONS : options,
      ['ttl', 'tags', 'version'],
      'options',
    ) as ValueDetails
    if (details.ttl !== undefined) parseDuration(details.ttl, 'options.ttl')
    checkVersion(details.version, 'options.version')
    checkTags(details.tags, 'options.tags')
    const key = checkKey(userKey)
    const filled = this.#core.parts.fills.describe(space, userKey, new DetailedValue(value, details), undefined)
    return filled && { space, key, userKey, filled }
  }

  async #write(requests: readonly WriteRequest[]): Promise<WriteOutcome[]> {
    if (requests.length === 0) return []
    return this.#core.track(this.#core.writer.set(requests))
  }
}

/** One key of a call, before its options are checked. */
interface Call {
  readonly userKey: Key
  readonly key: Key
  readonly fill: ReadRequest['fill']
  readonly options: unknown
}

function valueFound(found: Found): unknown {
  if (found.state === 'missing') return undefined
  if (found.state === 'failed') throw found.error
  return found.value
}

function fillAndOptions(third: unknown, fourth: unknown): [fill: unknown, options: unknown] {
  return typeof third === 'function' || fourth !== undefined ? [third, fourth] : [undefined, third]
}

/** Marks a request as one that may fill; the batch brings its own call. */
function unreachableFill(): never {
  throw new Error('a batch is filled as a whole')
}

function policyOf(policy: Policy | undefined, given: unknown): Policy {
  if (typeof given !== 'object' && policy === undefined) {
    throw new InvalidOptionError({
      field: 'policy',
      value: undefined,
      rule: "is required, because this cache has no default policy; give one, or create the cache with a ttl: createCache({ ttl: '60s' })",
    })
  }
  return checkPolicy(policy, 'policy')
}
