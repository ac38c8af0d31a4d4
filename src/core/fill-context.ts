import type { Key } from './ports/local-tier.js'
import type { Duration } from './quantity.js'

/** What a fill is told, beside its key. */
export interface FillContext {
  /** Aborted when nobody waits for the value any more, at `fillTimeout.hard`, and when the cache closes. */
  readonly signal: AbortSignal
  readonly key: Key
  /** The tenant's id; '' outside any tenant. */
  readonly tenant: string
  /** The value that is being replaced, if there is one and it was not invalidated. */
  readonly stale: unknown
  /**
   * The key was deleted within its policy's `replicaLag`, or nobody could be asked: read the primary. Always false
   * without a `replicaLag`.
   */
  readonly recentlyInvalidated: boolean
  /** Says more about the value that is returned: `return ctx.value(row, { tags: ['site-' + row.siteId] })`. */
  value<V>(value: V, details: ValueDetails): DetailedValue<V>
}

export interface ValueDetails {
  /** Replaces the policy's ttl for this value; `'0s'` = do not store. */
  readonly ttl?: Duration
  /** Added to the policy's tags. */
  readonly tags?: readonly string[]
  /** Version of the source row, decimal digits: one older than a `delete` named within `replicaLag` is not stored. */
  readonly version?: string | number | bigint
}

/** What `ctx.value` returns: only to be returned from the fill. */
export class DetailedValue<V> {
  readonly value: V
  readonly details: ValueDetails

  constructor(value: V, details: ValueDetails) {
    this.value = value
    this.details = details
  }
}

/** The value type of what a fill returns. */
export type FillResult<R> = Awaited<R> extends infer A ? (A extends DetailedValue<infer V> ? V : A) : never
