import { InvalidOptionError } from './errors.js'
import type { FillContext, FillResult } from './fill-context.js'
import { checkFields, checkOneOf } from './options.js'
import type { Key } from './ports/local-tier.js'
import { type Duration, parseCount, parseDuration, parseMs, parsePositiveDuration } from './quantity.js'
import type { StandardSchema } from './standard-schema.js'

/** What a follower does when the leader elsewhere has not delivered within `waitMs`. */
export type OnTimeout = 'fill' | 'hedge' | 'throw'

/** The caching rules of one kind of entry. Durations are text with a unit: `'60s'`. */
export interface PolicyOptions {
  /** First character a letter or digit, then letters, digits, `.`, `_`, `-`; at most 64. Part of the key and a metrics label. */
  name: string
  /** Names the shape of the value and is part of the key: raise it when the shape changes. Default 1. */
  version?: number
  /** How long a value is fresh. `'0s'` = do not store. At most `'730d'`. */
  ttl: Duration
  /** Largest share by which a ttl is randomly shortened or lengthened, 0 to 0.5. Default 0.05. */
  jitter?: number
  /** Caps the ttl of `null`, the value that says "there is none". Default: the ttl. */
  negativeTtl?: Duration
  /** What may be done with a value that is no longer fresh. An invalidated value is never served. */
  stale?: {
    /** Serve it this long after it was fresh, while one fill brings a new one. Default `'0s'`. */
    whileRevalidate?: Duration
    /** Serve it this long after it was fresh if the fill fails. Default `'0s'`. */
    ifError?: Duration
  }
  /**
   * Fill a value anew in the background before its life is over: at random, the likelier the nearer the end, so that of
   * many readers about one does it (XFetch). `beta` 1 suits most; higher refreshes earlier. Above 0, at most 10.
   * Measured by the usual duration of this policy's fills in this process. Default: off.
   */
  refreshAhead?: { beta: number }
  fillTimeout?: {
    /** With stale data at hand: serve it after this long and let the fill finish in the background. Default: none. */
    soft?: Duration
    /** Abort the fill's signal and reject with `FILL_TIMEOUT`. Default `'30s'`. */
    hard?: Duration
  }
  /**
   * Across processes: others wait for the one that fills. Must hold: 0 < pollMinMs <= pollMaxMs < waitMs < leaseMs.
   * `false`: nobody waits; who does not hold the lease fills and publishes nothing. Only matters with a shared tier.
   */
  coordinate?:
    | {
        /** A lease ends by itself after this long; it is renewed every third of it while the fill runs. Default 5000. */
        leaseMs?: number
        /** How long a follower waits for the leader. Default 2000. */
        waitMs?: number
        /** Shortest pause between two looks of a follower. Default 10. */
        pollMinMs?: number
        /** Longest pause. Default 250. */
        pollMaxMs?: number
        /** After `waitMs` without a stale value: fill alone, try for the lease once more first, or reject. Default 'fill'. */
        onTimeout?: OnTimeout
      }
    | false
  /**
   * The source has replicas that lag: after an entry is deleted, fills within `max` are told to read the primary
   * (`ctx.recentlyInvalidated`), and a version of the source row that is older than the one named by the delete is not
   * stored. Only with a shared tier; an invalidation by tag and a clear leave no such mark.
   */
  replicaLag?: {
    /** The longest lag, at most `'1h'`. */
    max: Duration
    /** `'shortTtl'` (default): what is filled within the lag lives no longer than it. `'tell'`: the fill takes care. */
    action?: 'shortTtl' | 'tell'
  }
  /** Bounds the fills of this policy in this process. */
  bulkhead?: {
    /** Fills running at once. Default 1000. */
    maxFills?: number
    /** Fills waiting for their turn; one more is rejected with `BULKHEAD_FULL`. Default 10000. */
    maxQueued?: number
  }
}

/**
 * A policy, checked and frozen. `Fills` tells the types whether it brings its own fill; `Policy` alone is one of any
 * key type.
 */
export interface Policy<K extends Key = never, V = unknown, Fills extends boolean = boolean> {
  readonly name: string
  readonly version: number
  readonly rules: Rules
  readonly fill?: unknown
  /** Only for the types: what this policy's entries are. */
  readonly [TYPES]?: { key: (key: K) => void; value: V; fills: Fills }
}

declare const TYPES: unique symbol

/** The rules in milliseconds, as the core reads them. */
export interface Rules {
  readonly ttlMs: number
  readonly jitter: number
  readonly negativeTtlMs: number
  readonly whileRevalidateMs: number
  readonly ifErrorMs: number
  /** How long an entry is kept beyond its fresh life: the longer of the two stale windows. */
  readonly staleMs: number
  /** 0 = off. */
  readonly refreshAheadBeta: number
  readonly softMs: number | undefined
  readonly hardMs: number
  readonly coordinate: Coordination
  readonly replicaLag: ReplicaLag | undefined
  readonly maxFills: number
  readonly maxQueued: number
  readonly tags: ((key: Key) => readonly string[]) | undefined
  readonly value: StandardSchema | undefined
}

export interface ReplicaLag {
  readonly maxMs: number
  readonly action: 'shortTtl' | 'tell'
}

export interface Coordination {
  readonly waits: boolean
  readonly leaseMs: number
  readonly waitMs: number
  readonly pollMinMs: number
  readonly pollMaxMs: number
  readonly onTimeout: OnTimeout
}

/** Known to every copy of this package in the process. */
const BRAND = Symbol.for('freshtier.policy')

/** What a cache's options may give its default policy as well. */
export const RULE_FIELDS = [
  'ttl',
  'jitter',
  'negativeTtl',
  'stale',
  'refreshAhead',
  'fillTimeout',
  'coordinate',
  'replicaLag',
  'bulkhead',
] as const
const FIELDS = ['name', 'version', 'fill', 'value', ...RULE_FIELDS, 'tags']

/**
 * Declares the rules of one kind of entry; key and value types come from `fill` (or from the schema in `value`).
 *
 * ```ts
 * const user = definePolicy({ name: 'user', ttl: '60s', fill: (id: string, { signal }) => db.user(id, { signal }) })
 * ```
 *
 * @throws InvalidOptionError naming the field, the value and the rule.
 */
export function definePolicy<K extends Key, R>(
  options: PolicyOptions & {
    /** Produces the value of a key. May return `ctx.value(value, …)` to say more about it. */
    fill: (key: K, context: FillContext) => R
    /** Tags of an entry, from its key; `ctx.value` can add more. */
    tags?: (key: NoInfer<K>) => readonly string[]
    /** Checks what comes from a shared tier; an entry that fails is a miss. */
    value?: StandardSchema<FillResult<NoInfer<R>>>
  },
): Policy<K, FillResult<R>, true>
export function definePolicy<V = unknown, K extends Key = Key>(
  options: PolicyOptions & { value?: StandardSchema<V>; tags?: (key: K) => readonly string[]; fill?: undefined },
): Policy<K, V, false>
export function definePolicy(options: PolicyOptions & { fill?: unknown; value?: unknown; tags?: unknown }): Policy {
  const fields = checkFields(options, FIELDS, 'policy')
  const name = fields.name
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(name)) {
    throw new InvalidOptionError({
      field: 'policy.name',
      value: name,
      rule: "must be 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit",
    })
  }
  const path = `policy '${name}': `
  const { fill } = fields
  if (fill !== undefined && typeof fill !== 'function') {
    throw new InvalidOptionError({ field: `${path}fill`, value: fill, rule: 'must be a function' })
  }
  const version = fields.version === undefined ? 1 : parseCount(fields.version, `${path}version`)
  const rules = Object.freeze(checkRules(options, fields, path))
  const policy: Policy = fill === undefined ? { name, version, rules } : { name, version, rules, fill }
  Object.defineProperty(policy, BRAND, { value: true })
  return Object.freeze(policy)
}

/** A policy that `definePolicy` made. */
export function checkPolicy(value: unknown, field: string): Policy {
  if (typeof value === 'object' && value !== null && BRAND in value) return value as unknown as Policy
  throw new InvalidOptionError({ field, value, rule: 'must be made by definePolicy' })
}

function checkRules(options: PolicyOptions, fields: Record<string, unknown>, path: string): Rules {
  if (options.ttl === undefined) {
    throw new InvalidOptionError({
      field: `${path}ttl`,
      value: undefined,
      rule: "is required: a duration such as '60s', or '0s' to store nothing",
    })
  }
  const ttlMs = parseDuration(options.ttl, `${path}ttl`)
  const stale = checkFields(
    options.stale === undefined ? {} : options.stale,
    ['whileRevalidate', 'ifError'],
    `${path}stale`,
  )
  const whileRevalidateMs = optionalDuration(stale.whileRevalidate, `${path}stale.whileRevalidate`) ?? 0
  const ifErrorMs = optionalDuration(stale.ifError, `${path}stale.ifError`) ?? 0
  const timeout = checkFields(
    options.fillTimeout === undefined ? {} : options.fillTimeout,
    ['soft', 'hard'],
    `${path}fillTimeout`,
  )
  const softMs = timeout.soft === undefined ? undefined : parsePositiveDuration(timeout.soft, `${path}fillTimeout.soft`)
  const hardMs = timeout.hard === undefined ? 30_000 : parsePositiveDuration(timeout.hard, `${path}fillTimeout.hard`)
  if (softMs !== undefined && softMs >= hardMs) {
    throw new InvalidOptionError({
      field: `${path}fillTimeout.soft`,
      value: timeout.soft,
      rule: `must be shorter than fillTimeout.hard (${hardMs} ms)`,
    })
  }
  const bulkhead = checkFields(
    options.bulkhead === undefined ? {} : options.bulkhead,
    ['maxFills', 'maxQueued'],
    `${path}bulkhead`,
  )
  return {
    ttlMs,
    jitter: checkJitter(options.jitter === undefined ? 0.05 : options.jitter, `${path}jitter`),
    negativeTtlMs: Math.min(ttlMs, optionalDuration(options.negativeTtl, `${path}negativeTtl`) ?? ttlMs),
    whileRevalidateMs,
    ifErrorMs,
    staleMs: Math.max(whileRevalidateMs, ifErrorMs),
    refreshAheadBeta: checkRefreshAhead(options.refreshAhead, `${path}refreshAhead`),
    softMs,
    hardMs,
    coordinate: Object.freeze(checkCoordination(options.coordinate, `${path}coordinate`)),
    replicaLag: checkReplicaLag(options.replicaLag, `${path}replicaLag`),
    maxFills: bulkhead.maxFills === undefined ? 1_000 : parseCount(bulkhead.maxFills, `${path}bulkhead.maxFills`),
    maxQueued: bulkhead.maxQueued === undefined ? 10_000 : parseCount(bulkhead.maxQueued, `${path}bulkhead.maxQueued`),
    tags: checkFunction(fields.tags, `${path}tags`) as Rules['tags'],
    value: checkSchema(fields.value, `${path}value`),
  }
}

function checkReplicaLag(value: unknown, path: string): ReplicaLag | undefined {
  if (value === undefined) return undefined
  const { max, action = 'shortTtl' } = checkFields(value, ['max', 'action'], path)
  const maxMs = parsePositiveDuration(max, `${path}.max`)
  if (maxMs > 3_600_000)
    throw new InvalidOptionError({ field: `${path}.max`, value: max, rule: "must be at most '1h'" })
  return { maxMs, action: checkOneOf(action, ['shortTtl', 'tell'], `${path}.action`) }
}

function checkCoordination(value: unknown, path: string): Coordination {
  const fields = checkFields(
    value === false || value === undefined ? {} : value,
    ['leaseMs', 'waitMs', 'pollMinMs', 'pollMaxMs', 'onTimeout'],
    path,
  )
  const ms = (field: string, fallback: number): number =>
    fields[field] === undefined ? fallback : parseMs(fields[field], `${path}.${field}`)
  const leaseMs = ms('leaseMs', 5_000)
  const waitMs = ms('waitMs', 2_000)
  const pollMinMs = ms('pollMinMs', 10)
  const pollMaxMs = ms('pollMaxMs', 250)
  const rule = (holds: boolean, field: string, text: string): void => {
    if (!holds)
      throw new InvalidOptionError({
        field: `${path}.${field}`,
        value: ms(field, { leaseMs, waitMs, pollMinMs, pollMaxMs }[field]!),
        rule: text,
      })
  }
  rule(pollMinMs > 0, 'pollMinMs', 'must be above 0')
  rule(pollMaxMs >= pollMinMs, 'pollMaxMs', `must be at least pollMinMs (${pollMinMs})`)
  rule(pollMaxMs < waitMs, 'pollMaxMs', `must be below waitMs (${waitMs})`)
  rule(
    waitMs < leaseMs,
    'waitMs',
    `must be below leaseMs (${leaseMs}), so that a crashed leader costs a follower its own patience only`,
  )
  const onTimeout = checkOneOf(
    fields.onTimeout === undefined ? 'fill' : fields.onTimeout,
    ['fill', 'hedge', 'throw'],
    `${path}.onTimeout`,
  )
  return { waits: value !== false, leaseMs, waitMs, pollMinMs, pollMaxMs, onTimeout }
}

function optionalDuration(value: unknown, field: string): number | undefined {
  return value === undefined ? undefined : parseDuration(value, field)
}

function checkJitter(value: unknown, field: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 0.5)) {
    throw new InvalidOptionError({ field, value, rule: 'must be a number from 0 to 0.5' })
  }
  return value
}

function checkRefreshAhead(value: unknown, field: string): number {
  if (value === undefined) return 0
  const { beta } = checkFields(value, ['beta'], field)
  if (typeof beta === 'number' && beta > 0 && beta <= 10) return beta
  throw new InvalidOptionError({
    field: `${field}.beta`,
    value: beta,
    rule: 'must be a number above 0 and at most 10',
  })
}

function checkFunction(value: unknown, field: string): unknown {
  if (value !== undefined && typeof value !== 'function') {
    throw new InvalidOptionError({ field, value, rule: 'must be a function' })
  }
  return value
}

function checkSchema(value: unknown, field: string): StandardSchema | undefined {
  if (value === undefined) return undefined
  const standard = (value as { '~standard'?: { validate?: unknown } } | null)?.['~standard']
  if (typeof standard?.validate !== 'function') {
    throw new InvalidOptionError({ field, value, rule: "must be a Standard Schema (an object with '~standard')" })
  }
  return value as StandardSchema
}
