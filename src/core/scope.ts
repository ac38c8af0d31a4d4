import { BoundPolicy } from './bound-policy.js'
import type { CacheCore, WhenUnavailable } from './cache-core.js'
import {
  type Call,
  checkDeleteOptions,
  checkInvalidateOptions,
  checkInvalidateRequest,
  type DeletedMany,
  type DeleteOptions,
  type Fillable,
  type Filled,
  type FillMany,
  fillAndOptions,
  fillOf,
  type InvalidateOptions,
  type InvalidateRequest,
  policyOf,
  type ReadOptions,
  type Rejecting,
  readRequest,
  readRequests,
  unreachableFill,
  valueFound,
  type WriteOptions,
  writeRequest,
} from './call-requests.js'
import { checkKey } from './check-key.js'
import { type Entry, type EntryLookup, toEntry } from './entry.js'
import { CacheError, InvalidOptionError } from './errors.js'
import { type Explanation, explain } from './explain.js'
import type { FillContext, FillResult } from './fill-context.js'
import type { Found } from './found.js'
import type { EntryRef, Invalidation } from './invalidate.js'
import type { Namespace } from './namespace.js'
import { checkFields, checkItems, checkPairs, checkSignal } from './options.js'
import { checkPolicy, type Policy } from './policy.js'
import type { Key } from './ports/local-tier.js'
import type { PatternReply } from './ports/shared-tier.js'
import type { BoundFillMany } from './read-many.js'
import type { QueuedInvalidation, Receipt } from './receipt.js'
import type { Space } from './space.js'
import { MAX_READABLE_KEY_LENGTH } from './stored-key.js'
import { SyncView } from './sync-view.js'
import { type WarmOptions, type WarmReport, warmAll } from './warm.js'
import type { WriteOutcome, WriteRequest } from './write.js'

/** What became of one key of a `setMany`. */
export type SetOutcome = StoreOutcome | { readonly state: 'failed'; readonly error: CacheError }

/**
 * What became of a value that was given. 'superseded': an invalidation or another `set` came meanwhile, or a newer
 * version of the source was asked for; nothing was stored, the next read fills. 'full': the shared tier has no room; the
 * old value is gone, the next read fills.
 */
export interface StoreOutcome {
  readonly state: 'stored' | 'superseded' | 'full'
}

const OUTCOMES = Object.freeze({
  stored: Object.freeze({ state: 'stored' }),
  superseded: Object.freeze({ state: 'superseded' }),
  full: Object.freeze({ state: 'full' }),
} satisfies Record<string, StoreOutcome>)

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
        if (value !== undefined && !lastSpace.refreshesAhead) return Promise.resolve(value)
        if (value !== undefined) {
          const fill = fillOf(lastSpace, first, userKey, isPolicy ? (hasFill ? third : undefined) : second)
          const request = { space: lastSpace, key, userKey, fill, tags: undefined, signal: undefined }
          this.#core.reader.refreshAhead({ ...request, level: 'bounded' })
          return Promise.resolve(value)
        }
      }
      // Off the hot path: is the cache open, and is this still the namespace of the tenant?
      const space = this.#space(first)
      const fill = fillOf(space, first, userKey, isPolicy ? (hasFill ? third : undefined) : second)
      return this.#getOrFill(space, { userKey, key, fill, options }, valueFound)
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
    const bound = fillOf(space, first, userKey, fill)
    const call = { userKey, key: checkKey(userKey), fill: bound, options }
    return this.#getOrFill(space, call, (found) => toEntry(found, this.#core.parts.clock))
  }

  /**
   * Several values by one look at each tier and at most two calls of the fill. A key that the fill leaves out is a
   * negative: `null`; `undefined` is not kept. Without `fillMany` the policy's own fill is called for each missing key.
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
    const space = this.#spaceOf(policy)
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
    const requests = await readRequests(this.#core, space, { keys: wanted, options, fill: unreachableFill })
    const found = await this.#core.many.read(requests, fillMany as BoundFillMany)
    return new Map(wanted.map((key, index) => [key, valueFound(found[index]!)]))
  }

  /** The value if a tier has it fresh, else `undefined`: a miss, or a shared tier that cannot be reached. */
  get<V = unknown>(key: Key, options?: ReadOptions): Promise<V | undefined>
  get<K extends Key, V>(policy: Policy<K, V>, key: NoInfer<K>, options?: ReadOptions): Promise<V | undefined>
  get(first: Policy | Key, second?: unknown, third?: unknown): Promise<unknown> {
    return this.#lookUp([first, second, third], (found) => (found.state === 'fresh' ? found.value : undefined))
  }

  /** What is held of a key: fresh, stale, negative, missing, or failed if the shared tier could not be asked. */
  getEntry<V = unknown>(key: Key, options?: ReadOptions): Promise<EntryLookup<V>>
  getEntry<K extends Key, V>(policy: Policy<K, V>, key: NoInfer<K>, options?: ReadOptions): Promise<EntryLookup<V>>
  getEntry(first: Policy | Key, second?: unknown, third?: unknown): Promise<unknown> {
    return this.#lookUp([first, second, third], (found) => toEntry(found, this.#core.parts.clock))
  }

  /** The fresh values among several keys; a missing key is not in the Map. */
  async getMany<K extends Key, V>(
    policy: Policy<K, V>,
    keys: Iterable<NoInfer<K>>,
    options?: ReadOptions,
  ): Promise<Map<K, V>> {
    const wanted = checkItems(keys, 'keys')
    const requests = await readRequests(this.#core, this.#spaceOf(policy), { keys: wanted, options, fill: undefined })
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

  /** Fills anew, whatever is held; where another process is filling the key already, answers with what that brings. */
  async refresh<K extends Key, V>(policy: Policy<K, V, true>, key: NoInfer<K>, options?: ReadOptions): Promise<V> {
    const space = this.#spaceOf(policy)
    const fill = fillOf(space, policy, key, undefined)
    return valueFound(
      await this.#core.reader.refresh(
        await readRequest(this.#core, space, { userKey: key, key: checkKey(key), fill, options }),
      ),
    ) as V
  }

  /**
   * Stores a value that was computed elsewhere. Acknowledged by the shared tier, if there is one. Of `undefined`, or with
   * a ttl of zero, nothing is kept, and what was there is gone.
   */
  set(key: Key, value: unknown, options?: WriteOptions): Promise<StoreOutcome>
  set<K extends Key, V>(
    policy: Policy<K, V>,
    key: NoInfer<K>,
    value: NoInfer<V>,
    options?: WriteOptions,
  ): Promise<StoreOutcome>
  async set(first: Policy | Key, second: unknown, third?: unknown, fourth?: unknown): Promise<StoreOutcome> {
    const isPolicy = typeof first === 'object'
    const [key, value, options] = isPolicy ? [second, third, fourth] : [first, second, third]
    const request = writeRequest(this.#core, this.#space(first), { userKey: key as Key, value, options })
    const [outcome] = await this.#write([request])
    if (outcome instanceof CacheError) throw outcome
    return OUTCOMES[outcome!]
  }

  /** Stores several values by one trip; a value that cannot be stored does not fail the rest. */
  async setMany<K extends Key, V>(
    policy: Policy<K, V>,
    entries: Iterable<readonly [NoInfer<K>, NoInfer<V>]>,
    options?: WriteOptions,
  ): Promise<Map<K, SetOutcome>> {
    const space = this.#spaceOf(policy)
    const requests = [...new Map(checkPairs<K, V>(entries, 'entries'))].map(([key, value]) =>
      writeRequest(this.#core, space, { userKey: key, value, options }),
    )
    const written = await this.#write(requests)
    return new Map(requests.map(({ userKey }, index) => [userKey as K, setOutcome(written[index]!)]))
  }

  /** Removes an entry everywhere. Resolves when acknowledged; a fill that began before is never served afterwards. */
  delete(key: Key, options?: Rejecting<DeleteOptions>): Promise<Receipt>
  delete(key: Key, options: DeleteOptions): Promise<Receipt | QueuedInvalidation>
  delete<K extends Key>(policy: Policy<K>, key: NoInfer<K>, options?: Rejecting<DeleteOptions>): Promise<Receipt>
  delete<K extends Key>(
    policy: Policy<K>,
    key: NoInfer<K>,
    options: DeleteOptions,
  ): Promise<Receipt | QueuedInvalidation>
  async delete(first: Policy | Key, second?: unknown, third?: unknown): Promise<Receipt | QueuedInvalidation> {
    const isPolicy = typeof first === 'object'
    const ref = this.#ref(first, isPolicy ? second : first)
    const { whenUnavailable, version } = checkDeleteOptions(isPolicy ? third : second, ref.space)
    return this.#invalidate({ entries: [ref], version }, whenUnavailable)
  }

  /**
   * Removes several entries by one trip. Rejects if none of them was acknowledged; otherwise `failed` has those that
   * were not. The answer is also the receipt of what was; a `version` counts for every key, such as the transaction
   * that wrote the rows.
   */
  async deleteMany<K extends Key>(
    policy: Policy<K>,
    keys: Iterable<NoInfer<K>>,
    options?: DeleteOptions,
  ): Promise<DeletedMany<K>> {
    const { whenUnavailable, version } = checkDeleteOptions(options, this.#spaceOf(policy))
    const keyOf = new Map(checkItems(keys, 'keys').map((key) => [this.#ref(policy, key), key] as const))
    const entries = [...keyOf.keys()]
    const invalidation = { namespace: this.#current(), entries, tags: [], clear: false, soft: false, version }
    const { failed, error, ...told } = await this.#core.track(this.#core.invalidateEach(invalidation, whenUnavailable))
    return { ...told, failed: new Map(failed.map((ref) => [keyOf.get(ref)!, error!])) }
  }

  /**
   * Invalidates by tag and by entry, in every process. O(number of tags named), whatever they hold. Resolves with a
   * receipt when acknowledged.
   *
   * @throws CacheError `SHARED_TIER_FAILED`: nobody acknowledged it; repeat it, that is safe.
   */
  invalidate(request: Rejecting<InvalidateRequest>): Promise<Receipt>
  invalidate(request: InvalidateRequest): Promise<Receipt | QueuedInvalidation>
  async invalidate(request: InvalidateRequest): Promise<Receipt | QueuedInvalidation> {
    const { tags, entries, soft, whenUnavailable } = checkInvalidateRequest(request)
    const refs = entries.map(([policy, key]) => ({ space: this.#spaceOf(policy), key: checkKey(key) }))
    return this.#invalidate({ entries: refs, tags, soft }, whenUnavailable)
  }

  /** Everything of this namespace: this tenant's entries, or those outside any tenant. O(1). */
  clear(options?: Rejecting<InvalidateOptions>): Promise<Receipt>
  clear(options: InvalidateOptions): Promise<Receipt | QueuedInvalidation>
  async clear(options?: InvalidateOptions): Promise<Receipt | QueuedInvalidation> {
    return this.#invalidate({ clear: true }, checkInvalidateOptions(options))
  }

  /**
   * Deletes the entries of a policy whose text key matches a pattern, in every process: `*` any text, `?` one character,
   * a backslash takes the next one literally, everything else stands for itself; the whole key must match.
   *
   * For keys that tags cannot name, and to move from other libraries. It looks at every key of the server, in steps:
   * about a third of a millisecond for each thousand, so a second or more beside millions. It has no receipt and is
   * outside G1 to G5: a fill under way, or an entry stored meanwhile, may be missed, and long keys (kept by hash) are.
   *
   * @throws CacheError `SHARED_TIER_FAILED`: it was not done to the end; repeat it, that is safe.
   */
  async invalidatePattern<K extends Key>(
    policy: Policy<K>,
    glob: string,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<PatternReply> {
    if (typeof glob !== 'string' || glob.length === 0 || glob.length > MAX_READABLE_KEY_LENGTH) {
      const rule = `must be a pattern of 1 to ${MAX_READABLE_KEY_LENGTH} characters`
      throw new InvalidOptionError({ field: 'invalidatePattern: glob', value: glob, rule })
    }
    const signal = checkSignal(checkFields(options, ['signal'], 'options').signal, 'options.signal')
    const space = this.#spaceOf(policy)
    return this.#core.track(this.#core.invalidator.invalidatePattern(space, { glob, signal }))
  }

  /** The calls of one policy, with nothing left to repeat. */
  bind<K extends Key, V, F extends boolean>(policy: Policy<K, V, F>): BoundPolicy<K, V, F> {
    this.#spaceOf(policy)
    return new BoundPolicy(this, policy)
  }

  /**
   * The policy's entries in memory without promises, for call sites that are synchronous and must stay so.
   *
   * @throws InvalidOptionError if the cache has no memory tier.
   */
  syncView<K extends Key, V>(policy: Policy<K, V>): SyncView<K, V> {
    this.#spaceOf(policy)
    return new SyncView(this.#core, () => this.#space(policy))
  }

  /**
   * Brings entries in before anybody asks: keys are filled where they are not held fresh, pairs of key and value are
   * `set`. An entry that fails does not fail the rest.
   *
   * ```ts
   * await cache.warm(userPolicy, ['user-1', 'user-2'], { concurrency: 4 })
   * ```
   */
  warm<K extends Key, V>(
    policy: Policy<K, V, true>,
    keys: Iterable<NoInfer<K>> | AsyncIterable<NoInfer<K>>,
    options?: WarmOptions,
  ): Promise<WarmReport>
  warm<K extends Key, V>(
    policy: Policy<K, V>,
    entries: Iterable<readonly [NoInfer<K>, NoInfer<V>]> | AsyncIterable<readonly [NoInfer<K>, NoInfer<V>]>,
    options?: WarmOptions,
  ): Promise<WarmReport>
  async warm(
    policy: Policy<Key, unknown, true>,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: WarmOptions = {},
  ): Promise<WarmReport> {
    this.#spaceOf(policy)
    return warmAll(items, options, (item, signal) =>
      Array.isArray(item) ? this.set(policy, item[0] as Key, item[1]) : this.getOrFill(policy, item as Key, { signal }),
    )
  }

  /**
   * Which tiers hold an entry, how old it is there, and why a read would hit or miss: for people, and for the command
   * line. Asks the shared tier; touches nothing, shows no value.
   */
  explain(key: Key): Promise<Explanation>
  explain<K extends Key>(policy: Policy<K>, key: NoInfer<K>): Promise<Explanation>
  async explain(first: Policy | Key, second?: unknown): Promise<Explanation> {
    const userKey = (typeof first === 'object' ? second : first) as Key
    return this.#core.track(explain(this.#core, { ...this.#ref(first, userKey), userKey }))
  }

  async #lookUp<R>(
    [first, second, third]: readonly [Policy | Key, unknown, unknown],
    use: (found: Found) => R,
  ): Promise<R> {
    const isPolicy = typeof first === 'object'
    const userKey = (isPolicy ? second : first) as Key
    const options = isPolicy ? third : second
    const request = await readRequest(this.#core, this.#space(first), {
      userKey,
      key: checkKey(userKey),
      fill: undefined,
      options,
    })
    return this.#core.reader.read(request, use)
  }

  #getOrFill<R>(space: Space, call: Call, use: (found: Found) => R): Promise<R> {
    const { reader } = this.#core
    const request = readRequest(this.#core, space, call)
    return request instanceof Promise ? request.then((checked) => reader.read(checked, use)) : reader.read(request, use)
  }

  /** The space of a policy here. @throws CacheError `CACHE_CLOSED`, `POLICY_CONFLICT` */
  #space(first: Policy | Key): Space {
    this.#refresh()
    const policy = typeof first === 'object' ? first : this.#core.defaultPolicy
    if (this.#lastSpace !== undefined && policy === this.#lastPolicy) return this.#lastSpace
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
    this.#lastSpace = undefined
  }

  /** For calls that name their policy: a key in its place must not come to mean the default policy. */
  #spaceOf(policy: Policy): Space {
    this.#core.checkOpen()
    return this.#space(checkPolicy(policy, 'policy'))
  }

  #ref(first: Policy | Key, key: unknown): EntryRef {
    return { space: this.#space(first), key: checkKey(key) }
  }

  async #invalidate(
    invalidation: Partial<Invalidation>,
    whenUnavailable: WhenUnavailable,
  ): Promise<Receipt | QueuedInvalidation> {
    const namespace = this.#current()
    const whole = { entries: [], tags: [], clear: false, soft: false, ...invalidation, namespace }
    return this.#core.track(this.#core.invalidate(whole, whenUnavailable))
  }

  #current(): Namespace {
    this.#refresh()
    return this.#namespace
  }

  async #write(requests: readonly WriteRequest[]): Promise<WriteOutcome[]> {
    if (requests.length === 0) return []
    return this.#core.track(this.#core.writer.set(requests))
  }
}

function setOutcome(outcome: WriteOutcome): SetOutcome {
  return outcome instanceof CacheError ? { state: 'failed', error: outcome } : OUTCOMES[outcome]
}
