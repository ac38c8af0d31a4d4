import type { CacheCore, WhenUnavailable } from './cache-core.js'
import { checkKey } from './check-key.js'
import { CacheError, InvalidOptionError } from './errors.js'
import { checkVersion } from './fill.js'
import { DetailedValue, type FillContext, type FillResult, type ValueDetails } from './fill-context.js'
import type { Found } from './found.js'
import type { Consistency } from './job.js'
import { checkFields, checkOneOf, checkPairs, checkSignal } from './options.js'
import { checkPolicy, type Policy } from './policy.js'
import type { Key } from './ports/local-tier.js'
import { parseDuration } from './quantity.js'
import type { FillManyContext } from './read-many.js'
import type { ReadRequest } from './read-request.js'
import { parseReceipt, type QueuedInvalidation, type Receipt } from './receipt.js'
import type { Space } from './space.js'
import { checkTags } from './tags.js'
import type { WriteRequest } from './write.js'

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
  after?: Receipt | QueuedInvalidation | DeletedMany | string | undefined
  /** Added to the tags of what is filled. */
  tags?: readonly string[]
}

export interface WriteOptions extends ValueDetails {}

export interface InvalidateRequest {
  tags?: readonly string[]
  entries?: readonly (readonly [policy: Policy, key: Key])[]
  /** Leave the entries as stale instead of removing them. Default false. */
  soft?: boolean
  /** See `InvalidateOptions`. */
  whenUnavailable?: WhenUnavailable
}

export interface InvalidateOptions {
  /**
   * If nobody acknowledges it: `'reject'` (default), or `'queue'`: it is answered as `{ state: 'queued' }` and delivered
   * as soon as the shared tier is back, before this process reads from it again; `close` waits for it. It is kept in
   * this process only: for what must survive a crash, use the outbox.
   */
  whenUnavailable?: WhenUnavailable
}

export interface DeleteOptions extends InvalidateOptions {
  /** Version of what was written at the source: nothing older is stored within the policy's `replicaLag`. */
  version?: string | number | bigint
}

/** Options that do not ask for queueing: the answer is a receipt. */
export type Rejecting<O> = O & { whenUnavailable?: 'reject' | undefined }

/** What became of a batch of deletions. */
export interface DeletedMany<K extends Key = Key> {
  /** 'partial': some were not acknowledged, see `failed`; 'queued': those are delivered later. */
  readonly state: 'acknowledged' | 'partial' | 'queued'
  /** Covers what was acknowledged, as a receipt's token does. */
  readonly token: string
  /** Why a key was not deleted for other processes; repeating it is safe. */
  readonly failed: ReadonlyMap<K, CacheError>
}

/** What a fill at the call may return for a policy of value type `V`. */
export type Fillable<V> = V | DetailedValue<V> | PromiseLike<V | DetailedValue<V>>

/** What a caller gets of a fill at the call that returns `R`. */
export type Filled<V, R> = unknown extends V ? FillResult<R> : V

/** A fill of several keys: answers a Map or pairs. */
export type FillMany<K extends Key, V> = (keys: K[], context: FillManyContext) => ManyFilled<V> | Promise<ManyFilled<V>>
type ManyFilled<V> =
  | ReadonlyMap<Key, V | DetailedValue<V> | null>
  | Iterable<readonly [Key, V | DetailedValue<V> | null]>

/** One key of a call, before its options are checked. */
export interface Call {
  readonly userKey: Key
  readonly key: Key
  readonly fill: ReadRequest['fill']
  readonly options: unknown
}

const READ_FIELDS = ['signal', 'consistency', 'after', 'tags']
const NO_OPTIONS: ReadOptions = Object.freeze({})

/** Checks the options of a read; for `after`, follows the log up to the receipt or makes the read strict. */
export function readRequest(
  core: CacheCore,
  space: Space,
  { userKey, key, fill, options }: Call,
): ReadRequest | Promise<ReadRequest> {
  if (options === undefined) return { space, key, userKey, level: 'bounded', fill, tags: undefined, signal: undefined }
  const { signal, consistency, after, tags } = checkFields(options, READ_FIELDS, 'options') as ReadOptions
  checkSignal(signal, 'options.signal')
  const level =
    consistency === undefined
      ? 'bounded'
      : checkOneOf(consistency, ['eventual', 'bounded', 'strict'], 'options.consistency')
  const request = { space, key, userKey, level, fill, tags: checkTags(tags, 'options.tags'), signal }
  return after === undefined || level === 'strict' ? request : requestAfter(core, request, after)
}

async function requestAfter(core: CacheCore, request: ReadRequest, receipt: unknown): Promise<ReadRequest> {
  const positions = parseReceipt(receipt, 'options.after')
  const isReached = positions !== undefined && (await core.reach(positions))
  return { ...request, level: isReached ? 'bounded' : 'strict' }
}

/** A batch: its options are checked once. */
export async function readRequests(
  core: CacheCore,
  space: Space,
  { keys, options, fill }: { keys: readonly Key[]; options: unknown; fill: ReadRequest['fill'] },
): Promise<ReadRequest[]> {
  const checked = keys.map((userKey) => ({ userKey, key: checkKey(userKey) }))
  const first = await readRequest(core, space, { userKey: '', key: '', fill, options })
  return checked.map((key) => ({ ...first, ...key }))
}

/**
 * Checks a value to be stored. Of `undefined` nothing is kept, and what was there goes, as with a ttl of zero: a `set`
 * leaves no older value behind.
 */
export function writeRequest(
  core: CacheCore,
  space: Space,
  { userKey, value, options }: { userKey: Key; value: unknown; options: unknown },
): WriteRequest {
  const details = checkFields(
    options === undefined ? NO_OPTIONS : options,
    ['ttl', 'tags', 'version'],
    'options',
  ) as ValueDetails
  if (details.ttl !== undefined) parseDuration(details.ttl, 'options.ttl')
  checkVersion(details.version, 'options.version')
  checkTags(details.tags, 'options.tags')
  const key = checkKey(userKey)
  const given =
    value === undefined ? new DetailedValue(null, { ...details, ttl: '0s' }) : new DetailedValue(value, details)
  const filled = core.parts.fills.describe(space, userKey, given, undefined)!
  return { space, key, userKey, filled }
}

export function checkInvalidateRequest(request: InvalidateRequest): {
  tags: readonly string[]
  entries: readonly (readonly [Policy, Key])[]
  soft: boolean
  whenUnavailable: WhenUnavailable
} {
  const fields = checkFields(request, ['tags', 'entries', 'soft', 'whenUnavailable'], 'invalidate')
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
  return { tags, entries, soft, whenUnavailable: checkWhenUnavailable(fields.whenUnavailable, 'invalidate') }
}

export function checkInvalidateOptions(value: unknown): WhenUnavailable {
  if (value === undefined) return 'reject'
  return checkWhenUnavailable(checkFields(value, ['whenUnavailable'], 'options').whenUnavailable, 'options')
}

export function checkDeleteOptions(
  value: unknown,
  space: Space,
): { whenUnavailable: WhenUnavailable; version: string | undefined } {
  if (value === undefined) return { whenUnavailable: 'reject', version: undefined }
  const fields = checkFields(value, ['whenUnavailable', 'version'], 'options')
  const version = checkVersion(fields.version, 'options.version')
  if (version !== undefined && space.policy.rules.replicaLag === undefined) {
    throw new InvalidOptionError({
      field: 'options.version',
      value: fields.version,
      rule: `needs a replicaLag in policy '${space.policy.name}', which says how long it counts`,
    })
  }
  return { whenUnavailable: checkWhenUnavailable(fields.whenUnavailable, 'options'), version }
}

function checkWhenUnavailable(value: unknown, path: string): WhenUnavailable {
  return value === undefined ? 'reject' : checkOneOf(value, ['reject', 'queue'], `${path}.whenUnavailable`)
}

/** The fill of a call, or else the policy's own. */
export function fillOf(space: Space, first: Policy | Key, userKey: Key, fill: unknown): (c: FillContext) => unknown {
  if (typeof fill === 'function') return fill as (context: FillContext) => unknown
  if (fill !== undefined) throw new InvalidOptionError({ field: 'fill', value: fill, rule: 'must be a function' })
  const own = typeof first === 'object' ? first.fill : undefined
  if (typeof own === 'function') return (context) => own(userKey, context) as unknown
  throw new CacheError(
    'FILL_MISSING',
    `Policy '${space.policy.name}' has no fill of its own: give one at the call, or to definePolicy.`,
  )
}

/** The last two arguments of a call whose fill may be left out. */
export function fillAndOptions(third: unknown, fourth: unknown): [fill: unknown, options: unknown] {
  return typeof third === 'function' || fourth !== undefined ? [third, fourth] : [undefined, third]
}

/** Marks a request as one that may fill; the batch brings its own call. */
export function unreachableFill(): never {
  throw new Error('a batch is filled as a whole')
}

/** The policy of a call. `given` is its first argument: a key, where the cache's default policy is meant. */
export function policyOf(policy: Policy | undefined, given: unknown): Policy {
  if (typeof given !== 'object' && policy === undefined) {
    throw new InvalidOptionError({
      field: 'policy',
      value: undefined,
      rule: "is required, because this cache has no default policy; give one, or create the cache with a ttl: createCache({ ttl: '60s' })",
    })
  }
  return checkPolicy(policy, 'policy')
}

export function valueFound(found: Found): unknown {
  if (found.state === 'missing') return undefined
  if (found.state === 'failed') throw found.error
  return found.value
}
