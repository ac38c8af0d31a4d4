import type { Cache } from '../core/create-cache.js'
import { InvalidOptionError } from '../core/errors.js'
import type { CacheEvent, CacheEventType } from '../core/events.js'
import { checkFields, checkItems, checkMethods, checkOneOf } from '../core/options.js'
import type { Rules } from '../core/policy.js'
import type { Clock } from '../core/ports/clock.js'
import { parseCount } from '../core/quantity.js'
import { systemClock } from '../core/system-clock.js'
import { LineLimit } from './line-limit.js'
import { LOG_EVENTS, type LogEventName, type LogLine, logLineOf } from './log-lines.js'

/** The shape of a pino logger, Fastify's `app.log` included. */
export interface EventLogger {
  info(line: object, message: string): void
  warn(line: object, message: string): void
  /** Asked where there is one, so that no line is made for nobody. */
  isLevelEnabled?(level: string): boolean
}

export interface LogEventsOptions {
  logger: EventLogger
  /**
   * Which lines. `cache_hit` is only written if it is named here: a line for each hit costs many times the hit. Default:
   * all others.
   */
  events?: readonly LogEventName[]
  /** How keys are written: as they are, by a short hash, or not at all. Default `'plain'`. */
  keys?: 'plain' | 'hashed' | 'none'
  /** Most lines a second of each event; the next line says how many were left out. Default 100. */
  maxLinesPerSecond?: number
  /** For tests. */
  clock?: Clock
}

const FIELDS = ['logger', 'events', 'keys', 'maxLinesPerSecond', 'clock']
const DEFAULT_EVENTS = LOG_EVENTS.filter((name) => name !== 'cache_hit')

/**
 * Writes what a cache does as structured lines: the six of a fill (`scope: 'cache-fill'`) and those of its other parts
 * (`scope: 'cache'`). No line has a value in it. Returns the function that ends it.
 *
 * ```ts
 * const end = logEvents(cache, { logger: app.log })
 * ```
 *
 * @throws InvalidOptionError
 */
export function logEvents(cache: Cache, options: LogEventsOptions): () => void {
  const { logger, events, keys, maxLinesPerSecond, clock } = checkLogOptions(options)
  checkMethods(cache, ['on', 'policies', 'stats'], 'logEvents: cache')
  const { name } = cache.stats()
  const rules = policyRules(cache)
  const limit = new LineLimit(clock, maxLinesPerSecond)
  const isWritten = (level: string): boolean => logger.isLevelEnabled?.(level) ?? true
  const write = (event: CacheEvent): void => {
    const line = logLineOf(event, { cache: name, rules, keys })
    if (line === undefined || !events.has(line.event)) return
    const level = WARNINGS.has(line.event) ? 'warn' : 'info'
    if (!isWritten(level)) return
    const suppressed = limit.pass(line.event)
    if (suppressed === undefined) return
    const told: LogLine & { suppressed?: number } = suppressed === 0 ? line : { ...line, suppressed }
    logger[level](told, line.event)
  }
  const types = HEARD.filter((type) => type !== 'hit' || events.has('cache_hit'))
  const ends = types.map((type) => cache.on(type, write))
  return () => {
    for (const end of ends) end()
  }
}

/** Where a line's message comes from. */
const HEARD: readonly CacheEventType[] = [
  'hit',
  'filled',
  'fill-failed',
  'followed',
  'hedged',
  'tier-failed',
  'fenced',
  'lease-lost',
  'not-stored',
  'invalidated',
  'invalidation-queued',
  'invalidation-delivered',
  'publish-failed',
  'memory-pressure',
  'breaker',
  'damaged',
  'log-broken',
]

const WARNINGS: ReadonlySet<LogEventName> = new Set([
  'cache_fill_follower_timeout',
  'cache_fill_lock_error',
  'cache_fill_error',
  'cache_tier_error',
  'cache_lease_lost',
  'cache_invalidation_queued',
  'cache_publish_error',
  'cache_memory_pressure',
  'cache_breaker',
  'cache_damaged',
  'cache_log_broken',
])

/** Rules by policy name, looked up again when a name is new; the newest version counts. */
function policyRules(cache: Cache): (policy: string) => Rules | undefined {
  let known = new Map<string, Rules>()
  return (policy) => {
    if (!known.has(policy)) known = new Map(cache.policies().map(({ name, rules }) => [name, rules]))
    return known.get(policy)
  }
}

function checkLogOptions(options: LogEventsOptions): {
  logger: EventLogger
  events: ReadonlySet<LogEventName>
  keys: 'plain' | 'hashed' | 'none'
  maxLinesPerSecond: number
  clock: Clock
} {
  checkFields(options, FIELDS, 'logEvents')
  const { logger, events = DEFAULT_EVENTS, keys = 'plain', maxLinesPerSecond = 100, clock = systemClock } = options
  checkMethods(logger, ['info', 'warn'], 'logEvents.logger')
  const names = checkItems(events, 'logEvents.events')
  for (const [index, name] of names.entries()) checkOneOf(name, LOG_EVENTS, `logEvents.events[${index}]`)
  if (names.length === 0) {
    throw new InvalidOptionError({ field: 'logEvents.events', value: events, rule: 'must name at least one event' })
  }
  return {
    logger,
    events: new Set(names),
    keys: checkOneOf(keys, ['plain', 'hashed', 'none'], 'logEvents.keys'),
    maxLinesPerSecond: parseCount(maxLinesPerSecond, 'logEvents.maxLinesPerSecond'),
    clock,
  }
}
