import type { Cache } from '../core/create-cache.js'
import { InvalidOptionError } from '../core/errors.js'
import { checkFields, checkItems, checkMethods } from '../core/options.js'
import type { Clock } from '../core/ports/clock.js'
import type { Random } from '../core/ports/random.js'
import { type Duration, parsePositiveDuration } from '../core/quantity.js'
import { systemClock } from '../core/system-clock.js'
import { systemRandom } from '../core/system-random.js'
import type { AuditedEntry } from './auditor.js'

export interface AuditorOptions {
  /** What the value of an entry should be now, read from where it is kept for good. An error counts as `unknown`. */
  origin: (entry: AuditedEntry) => unknown
  /** Share of the invalidations that are followed up, above 0 and at most 1. Default 0.01. */
  share?: number
  /** How long after an invalidation to look; each more than the staleness bound. Default: one bound and five bounds. */
  delays?: readonly Duration[]
  /** Told of each answer that was stale for sure. Must not throw. */
  onStale?: (entry: AuditedEntry) => void
  /** For tests. */
  clock?: Clock
  /** For tests. */
  random?: Random
}

/** Checked options. */
export interface AuditSettings {
  readonly origin: (entry: AuditedEntry) => unknown
  readonly share: number
  readonly delaysMs: readonly number[]
  /** A difference must last so long. */
  readonly confirmMs: number
  readonly onStale: AuditorOptions['onStale']
  readonly clock: Clock
  readonly random: Random
}

const FIELDS = ['origin', 'share', 'delays', 'onStale', 'clock', 'random']
/** A look exactly at the bound may be a moment early. */
const MARGIN_MS = 100

export function checkAuditorOptions(cache: Cache, options: AuditorOptions): AuditSettings {
  checkMethods(cache, ['on', 'stats', 'policies', 'getEntry'], 'auditCache: cache')
  checkFields(options, FIELDS, 'auditCache')
  const { origin, share = 0.01, onStale, clock = systemClock, random = systemRandom } = options
  if (typeof origin !== 'function') {
    throw new InvalidOptionError({ field: 'auditCache.origin', value: origin, rule: 'must be a function' })
  }
  if (onStale !== undefined && typeof onStale !== 'function') {
    throw new InvalidOptionError({ field: 'auditCache.onStale', value: onStale, rule: 'must be a function' })
  }
  if (typeof share !== 'number' || !(share > 0 && share <= 1)) {
    throw new InvalidOptionError({ field: 'auditCache.share', value: share, rule: 'must be above 0 and at most 1' })
  }
  const boundMs = cache.stats().staleness.maxStalenessMs + MARGIN_MS
  return {
    origin,
    share,
    delaysMs: options.delays === undefined ? [boundMs, 5 * boundMs] : checkDelays(options.delays, boundMs),
    confirmMs: boundMs,
    onStale,
    clock,
    random,
  }
}

function checkDelays(delays: unknown, boundMs: number): number[] {
  const field = 'auditCache.delays'
  const given = checkItems(delays as Iterable<unknown>, field)
  if (given.length === 0 || given.length > 5) {
    throw new InvalidOptionError({ field, value: given, rule: 'must name one to five durations' })
  }
  return given.map((delay, index) => {
    const ms = parsePositiveDuration(delay, `${field}[${index}]`)
    if (ms >= boundMs) return ms
    const rule = `must be above the staleness bound (at least '${boundMs}ms'): earlier an old answer is allowed`
    throw new InvalidOptionError({ field: `${field}[${index}]`, value: delay, rule })
  })
}
