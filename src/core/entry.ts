import type { Found } from './found.js'
import type { Clock } from './ports/clock.js'

/** A value with what is known about it. */
export type Entry<V> =
  | ({ readonly state: 'fresh' | 'stale'; readonly value: V } & EntryDetails)
  /** A cached "there is none". */
  | ({ readonly state: 'negative'; readonly value: null } & EntryDetails)
  /** Nothing is held, or a fill returned `undefined`. */
  | { readonly state: 'missing'; readonly value?: undefined }

/** What a read without a fill may also come to: the shared tier failed, so nobody knows. */
export type EntryLookup<V> =
  | Entry<V>
  | { readonly state: 'failed'; readonly error: unknown; readonly value?: undefined }

export interface EntryDetails {
  /** Who answered: a tier's name, 'fill', or 'flight' for a caller that joined somebody else's read or fill. */
  readonly source: string
  /** Milliseconds since it was filled. */
  readonly ageMs: number
  /** Milliseconds of fresh life left; below zero once it is stale. */
  readonly ttlMs: number
  readonly tags: readonly string[]
  /** False for a fill's value that no tier kept: invalidated meanwhile, ttl zero, too large. */
  readonly stored: boolean
}

export function toEntry<V>(found: Found, clock: Clock): EntryLookup<V> {
  if (found.state === 'failed') return found
  if (found.state === 'missing') return { state: 'missing' }
  const isNegative = found.value === null && found.state === 'fresh'
  return {
    state: isNegative ? 'negative' : found.state,
    value: found.value as V,
    source: found.source,
    ageMs: Math.max(0, Math.round(clock.wallNow() - found.storedAtMs)),
    ttlMs: Math.round(found.freshUntilMs - clock.now()),
    tags: found.tags,
    stored: found.isStored,
  } as EntryLookup<V>
}
