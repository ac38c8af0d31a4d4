import { InvalidOptionError } from '../core/errors.js'
import { checkFields, checkOneOf } from '../core/options.js'
import {
  type Duration,
  parseBytes,
  parseCount,
  parseDuration,
  parsePositiveDuration,
  type Size,
} from '../core/quantity.js'
import { checkPrefix } from '../redis-protocol/redis-prefix.js'
import type { RedisTierSettings } from '../redis-protocol/redis-tier.js'

/** The part of `fetch` that the tier calls. */
export type UpstashFetch = (url: string, init: UpstashRequestInit) => Promise<Response>

export interface UpstashRequestInit {
  readonly method: 'POST'
  readonly headers: Record<string, string>
  readonly body: string
  readonly redirect: 'manual'
  readonly cache: 'no-store'
  readonly signal: AbortSignal
}

export interface UpstashTierOptions {
  /** `UPSTASH_REDIS_REST_URL`: https, without credentials, query or fragment. */
  readonly url: string
  /** `UPSTASH_REDIS_REST_TOKEN`, the one that may write. It appears in no error and no event. */
  readonly token: string
  /**
   * Stands in front of every key, as it is: `'shop:'`. For a database that several applications share. At most 100
   * characters, no braces, spaces or control characters. Default: none.
   */
  readonly prefix?: string | undefined
  /**
   * How often a process that reads looks at the invalidation log. Default '0ms': no timer; the first read after
   * `maxStaleness` looks, and all who read meanwhile share that look. A server that never sleeps may name a time.
   */
  readonly pollInterval?: Duration | undefined
  /** What has not been answered after this time has failed, the wait for a place included. Default '750ms'. */
  readonly commandTimeout?: Duration | undefined
  /**
   * About how many invalidations the log keeps. A process that was away for longer than they reach back drops what it
   * holds in memory. Default 10,000.
   */
  readonly logMaxEntries?: number | undefined
  /** Entries that are larger when encoded are not stored. Upstash takes requests of up to 10 MB. Default '4mb'. */
  readonly maxEntryBytes?: Size | undefined
  /** Answers above this are given up. Default '64mb'. */
  readonly maxAnswerBytes?: Size | undefined
  /** HTTP requests under way at once; what comes meanwhile waits and travels together. Default 32. */
  readonly maxRequests?: number | undefined
  /**
   * `'none'`: works without EVAL, for REST proxies that have none. Then nothing fences a late fill: a value that was
   * read before an invalidation may be stored after it. Default `'scripts'`: such a proxy is refused.
   */
  readonly fencing?: 'scripts' | 'none' | undefined
  /** `true`: http to other machines, for a proxy in a private network. The token is readable on the way. Default false. */
  readonly allowHttp?: boolean | undefined
  /** Sends the requests. Default: the global `fetch`. */
  readonly fetch?: UpstashFetch | undefined
}

/** Checked options. */
export interface UpstashSettings extends RedisTierSettings {
  /** Without a slash at its end. */
  readonly url: string
  readonly token: string
  readonly maxAnswerBytes: number
  readonly maxRequests: number
  readonly fencing: 'scripts' | 'none'
  readonly fetch: UpstashFetch
}

const FIELDS = [
  'url',
  'token',
  'prefix',
  'pollInterval',
  'commandTimeout',
  'logMaxEntries',
  'maxEntryBytes',
  'maxAnswerBytes',
  'maxRequests',
  'fencing',
  'allowHttp',
  'fetch',
] as const

export function checkUpstashTierOptions(options: UpstashTierOptions): UpstashSettings {
  checkFields(withoutSecrets(options), FIELDS, 'upstashTier')
  return Object.freeze({
    name: 'upstash',
    url: checkUrl(options.url, checkFlag(options.allowHttp ?? false, 'upstashTier.allowHttp')),
    token: checkToken(options.token),
    prefix: checkPrefix(options.prefix ?? '', 'upstashTier.prefix'),
    pollMs: parseDuration(options.pollInterval ?? '0ms', 'upstashTier.pollInterval'),
    commandTimeoutMs: parsePositiveDuration(options.commandTimeout ?? '750ms', 'upstashTier.commandTimeout'),
    logMaxEntries: parseCount(options.logMaxEntries ?? 10_000, 'upstashTier.logMaxEntries'),
    maxEntryBytes: parseBytes(options.maxEntryBytes ?? '4mb', 'upstashTier.maxEntryBytes'),
    maxAnswerBytes: parseBytes(options.maxAnswerBytes ?? '64mb', 'upstashTier.maxAnswerBytes'),
    maxRequests: parseCount(options.maxRequests ?? 32, 'upstashTier.maxRequests'),
    fencing: checkOneOf(options.fencing ?? 'scripts', ['scripts', 'none'], 'upstashTier.fencing'),
    fetch: checkFetch(options.fetch),
  })
}

/** A mistyped field may hold the token, and errors show what they got. */
function withoutSecrets(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return hidden(options)
  return Object.fromEntries(Object.entries(options).map(([field, value]) => [field, hidden(value)]))
}

function hidden(value: unknown): unknown {
  return typeof value === 'string' ? `(hidden, ${value.length} characters)` : value
}

function checkUrl(value: unknown, allowHttp: boolean): string {
  const refuse = (rule: string): never => {
    throw new InvalidOptionError({ field: 'upstashTier.url', value: hidden(value), rule })
  }
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
    return refuse('must be the https address of a REST endpoint, such as UPSTASH_REDIS_REST_URL')
  }
  if (url.username || url.password || url.search || url.hash) {
    refuse('must be without credentials, query and fragment; the token is an option of its own')
  }
  if (url.protocol === 'http:' && !allowHttp && !isLoopback(url.hostname)) {
    refuse('must be https, because the token is sent with every request (allowHttp: true permits http)')
  }
  return url.href.replace(/\/+$/, '')
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

/** Whatever else a header may not hold would be told by `fetch` in an error that shows it. */
function checkToken(value: unknown): string {
  if (typeof value === 'string' && /^[\x21-\x7e]{1,1000}$/.test(value)) return value
  throw new InvalidOptionError({
    field: 'upstashTier.token',
    value: hidden(value),
    rule: 'must be 1 to 1000 printable ASCII characters without spaces, such as UPSTASH_REDIS_REST_TOKEN',
  })
}

function checkFlag(value: unknown, field: string): boolean {
  if (typeof value === 'boolean') return value
  throw new InvalidOptionError({ field, value, rule: 'must be true or false' })
}

function checkFetch(value: unknown): UpstashFetch {
  // Looked up at each call: frameworks replace the global one after this was made.
  if (value === undefined) return (url, init) => globalThis.fetch(url, init)
  if (typeof value === 'function') return value as UpstashFetch
  throw new InvalidOptionError({ field: 'upstashTier.fetch', value, rule: 'must be a function such as fetch' })
}
