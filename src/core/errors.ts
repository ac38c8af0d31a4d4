import { redact } from './redact.js'

const BRAND = Symbol.for('freshtier.error')

/** Every code that this package throws, with a row in `docs/errors.md`. Codes are stable; a retired one stays listed. */
export const ERROR_CODES = [
  'INVALID_OPTION',
  'INVALID_KEY',
  'INVALID_TENANT',
  'INVALID_TAG',
  'POLICY_CONFLICT',
  'FILL_MISSING',
  'UNSERIALISABLE_VALUE',
  'ENTRY_TOO_LARGE',
  'CACHE_CLOSED',
  'FILL_TIMEOUT',
  'FOLLOWER_TIMEOUT',
  'REMOTE_FILL_FAILED',
  'BULKHEAD_FULL',
  'SHARED_TIER_FAILED',
  'SHARED_TIER_TIMEOUT',
  'SCRIPTS_UNAVAILABLE',
  'INVALID_RECEIPT',
  'TENANT_MISSING',
  'NO_CACHE',
  'DISK_LOCKED',
  'DISK_TIER_FAILED',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/**
 * Base of everything freshtier throws. Tell errors apart by `code`; `CacheError.is` also knows errors of a second copy
 * of this package. Messages name the policy, tier or field, never a cached value.
 */
export class CacheError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** True for an error thrown by any copy of freshtier in this process. */
  static is(error: unknown): error is CacheError {
    return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[BRAND] === true
  }
}

/** An option, policy field or call argument is not what is allowed; nothing was changed. A programmer's mistake. */
export class InvalidOptionError extends CacheError {
  /** Path of the field, e.g. `coordinate.waitMs`. */
  readonly field: string

  constructor({ field, value, rule, code = 'INVALID_OPTION' }: InvalidOption) {
    super(code, `${field} ${rule}; got ${describe(value)}.`)
    this.field = field
  }
}

export interface InvalidOption {
  field: string
  value: unknown
  /** What is allowed, as the end of a sentence that begins with the field: "must be …". */
  rule: string
  code?: 'INVALID_OPTION' | 'INVALID_KEY' | 'INVALID_TENANT' | 'INVALID_TAG' | 'INVALID_RECEIPT'
}

/** The value cannot be told to another process without changing. */
export class UnserialisableValueError extends CacheError {
  constructor(policy: string, path: string, found: string) {
    super(
      'UNSERIALISABLE_VALUE',
      `A value of policy '${policy}' cannot be stored: ${path} is ${found}. Store plain data (objects, arrays, Map, ` +
        'Set, Date, BigInt, typed arrays).',
    )
  }
}

/** A call came after `close`, or was under way when the grace was over. */
export function closedError(cache: string, what = 'make a new one'): CacheError {
  return new CacheError('CACHE_CLOSED', `Cache '${cache}' was closed; ${what}.`)
}

/** A fill took longer than the policy's `fillTimeout.hard`; its signal was aborted. */
export class FillTimeoutError extends CacheError {
  constructor(policy: string, hardMs: number) {
    super(
      'FILL_TIMEOUT',
      `A fill of policy '${policy}' took longer than fillTimeout.hard (${hardMs} ms) and was aborted. ` +
        'Let the fill observe its signal, make it faster, or raise the limit.',
    )
  }
}

/** The process that was filling for all of them failed; there is nothing stale to serve. */
export class RemoteFillError extends CacheError {
  /** The `code` of the fill's error there, or its name; its message stays in that process. */
  readonly remoteCode: string

  constructor(policy: string, remoteCode: string) {
    super(
      'REMOTE_FILL_FAILED',
      `Another process filled a key of policy '${policy}' for this one and failed with ${remoteCode}. ` +
        'Repeat the call, or give the policy stale.ifError; the error itself is told in that process.',
    )
    this.remoteCode = remoteCode
  }
}

/** Nobody shares what the disk holds, but the next process would believe it. */
export function notOnDisk(what: string): CacheError {
  return new CacheError(
    'DISK_TIER_FAILED',
    `The disk tier could not write ${what} down: after a restart the old value may be back. Repeat it; that is safe. ` +
      'The cause was told as a tier-failed event.',
  )
}

/** Shows a received value in an error without repeating what may be long or secret. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    const text = redact(value)
    return text.length > 60 ? `'${text.slice(0, 57)}…' (${value.length} characters)` : `'${text}'`
  }
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null)
    return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  return typeof value === 'object' ? `an object (${value.constructor?.name ?? 'no prototype'})` : `a ${typeof value}`
}
