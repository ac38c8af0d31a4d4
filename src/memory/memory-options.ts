import { describe, InvalidOptionError } from '../core/errors.js'
import { checkFields, checkMethods, checkOneOf } from '../core/options.js'
import type { EvictionName } from '../core/ports/local-tier.js'
import { parseBytes, parseCount, type Size } from '../core/quantity.js'
import { EVICTION_NAMES } from './evictions/create-eviction.js'
import type { MemoryReadings } from './memory-readings.js'
import { checkQuotas, type QuotaOptions, type QuotaRules } from './quota-options.js'
import { MAX_SLOTS } from './slots.js'

/** How values go in and out. */
export type ValueMode = (typeof VALUE_MODES)[number]

export interface MemoryTierOptions {
  /** Most entries held: a whole number from 1 to 16,777,215. Default: no limit of its own beside `maxBytes`. */
  maxEntries?: number
  /**
   * Most bytes held: values, keys and the tier's own cost of an entry. Bytes, or text such as `'64mb'`. Sizes are
   * estimated once, when a value comes in. Default: 64 MB if `maxEntries` isn't given either, else no limit.
   */
  maxBytes?: Size
  /** A larger entry is refused. Default: a quarter of `maxBytes`, no limit if there is only `maxEntries`. */
  maxEntryBytes?: Size
  /** Who leaves when there is no room. Default `'w-tinylfu'`. */
  eviction?: EvictionName
  /**
   * `'reference'` (default): callers share one object and must not change it. `'frozen'`: the same, and changing it
   * throws. `'cloned'`: every read gets its own copy, at the price of a copy a read.
   */
  values?: ValueMode
  /** Bytes of a value, where the built-in estimate won't do. Must answer a finite number, 0 or more. */
  estimateBytes?: (value: unknown) => number
  /**
   * What a tenant may keep when others need room: a tenant above it makes room among its own entries first. Room that
   * nobody needs is anybody's. Costs 8 bytes an entry. Default: no quotas.
   */
  quotas?: QuotaOptions
  /**
   * Hold less while memory is short (V8's heap limit; resident memory against the control group's limit or the machine's
   * memory), and more again afterwards. Default true. For tests: where the readings come from.
   */
  pressure?: boolean | MemoryReadings
}

/** Options as they hold: checked, complete, frozen. */
export interface MemoryRules {
  /** Infinity where there is no bound. */
  readonly maxEntries: number
  readonly maxBytes: number
  readonly maxEntryBytes: number
  readonly eviction: EvictionName
  readonly values: ValueMode
  readonly estimateBytes: ((value: unknown) => number) | undefined
  readonly quotas: QuotaRules | undefined
  /** True: the readings of this process. */
  readonly pressure: boolean | MemoryReadings
}

const VALUE_MODES = ['reference', 'frozen', 'cloned'] as const
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
/** A record keeps an entry's size in 32 bits. */
const LARGEST_ENTRY_BYTES = 0xffff_ffff
const FIELDS = [
  'maxEntries',
  'maxBytes',
  'maxEntryBytes',
  'eviction',
  'values',
  'estimateBytes',
  'quotas',
  'pressure',
] as const satisfies (keyof MemoryTierOptions)[]

export function checkMemoryOptions(options: unknown): MemoryRules {
  const path = 'memoryTier'
  const given = checkFields(options, FIELDS, path)
  const maxEntries = given.maxEntries === undefined ? Infinity : checkEntries(given.maxEntries, `${path}.maxEntries`)
  const maxBytes = checkMaxBytes(given.maxBytes, maxEntries, `${path}.maxBytes`)
  return Object.freeze({
    maxEntries,
    maxBytes,
    maxEntryBytes: checkEntryBytes(given.maxEntryBytes, maxBytes, `${path}.maxEntryBytes`),
    eviction: given.eviction === undefined ? 'w-tinylfu' : checkEviction(given.eviction, `${path}.eviction`),
    values: given.values === undefined ? 'reference' : checkOneOf(given.values, VALUE_MODES, `${path}.values`),
    estimateBytes: checkEstimator(given.estimateBytes, `${path}.estimateBytes`),
    quotas: checkQuotas(given.quotas, { maxEntries, maxBytes }, `${path}.quotas`),
    pressure: checkPressure(given.pressure, `${path}.pressure`),
  })
}

export function checkEviction(value: unknown, field: string): EvictionName {
  return checkOneOf(value, EVICTION_NAMES, field)
}

function checkPressure(value: unknown, field: string): MemoryRules['pressure'] {
  if (value === undefined || typeof value === 'boolean') return value ?? true
  checkMethods(value, ['heap', 'rssBytes'], field)
  const { rssLimitBytes } = value as MemoryReadings
  if (typeof rssLimitBytes === 'number' && rssLimitBytes > 0) return value as MemoryReadings
  throw new InvalidOptionError({ field: `${field}.rssLimitBytes`, value: rssLimitBytes, rule: 'must be above 0' })
}

function checkEntries(value: unknown, field: string): number {
  const entries = parseCount(value, field)
  if (entries > MAX_SLOTS) {
    throw new InvalidOptionError({ field, value, rule: `must be at most ${MAX_SLOTS}` })
  }
  return entries
}

function checkMaxBytes(value: unknown, maxEntries: number, field: string): number {
  if (value !== undefined) return parseBytes(value, field)
  return maxEntries === Infinity ? DEFAULT_MAX_BYTES : Infinity
}

function checkEntryBytes(value: unknown, maxBytes: number, field: string): number {
  if (value === undefined)
    return maxBytes === Infinity ? Infinity : Math.min(LARGEST_ENTRY_BYTES, Math.ceil(maxBytes / 4))
  const bytes = parseBytes(value, field)
  if (bytes > maxBytes) throw new InvalidOptionError({ field, value, rule: `must be at most maxBytes (${maxBytes})` })
  return Math.min(LARGEST_ENTRY_BYTES, bytes)
}

function checkEstimator(value: unknown, field: string): MemoryRules['estimateBytes'] {
  if (value === undefined || typeof value === 'function') return value as MemoryRules['estimateBytes']
  throw new InvalidOptionError({ field, value, rule: 'must be a function that answers a number of bytes' })
}

/** What the caller's estimator answered, or an error that says what it should have. */
export function askEstimator(estimate: (value: unknown) => number, value: unknown): number {
  const field = 'memoryTier.estimateBytes'
  let bytes: unknown
  try {
    bytes = estimate(value)
  } catch (cause) {
    const error = new InvalidOptionError({
      field,
      value: estimate,
      rule: `must not throw, but threw ${describe(cause)}`,
    })
    error.cause = cause
    throw error
  }
  if (typeof bytes === 'number' && Number.isFinite(bytes) && bytes >= 0) return bytes
  throw new InvalidOptionError({ field, value: bytes, rule: 'must answer a finite number of bytes, 0 or more' })
}
