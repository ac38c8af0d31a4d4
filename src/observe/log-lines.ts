import { createHash } from 'node:crypto'
import { errorText } from '../core/error-text.js'
import type { CacheEvent } from '../core/events.js'
import type { Rules } from '../core/policy.js'

/** Names of lines: the six outcomes of a fill, then the rest. */
export const LOG_EVENTS = [
  'cache_hit',
  'cache_fill_leader',
  'cache_fill_follower_hit',
  'cache_fill_follower_timeout',
  'cache_fill_hedge',
  'cache_fill_lock_error',
  'cache_fill_error',
  'cache_fill_fenced',
  'cache_not_stored',
  'cache_lease_lost',
  'cache_invalidated',
  'cache_invalidation_queued',
  'cache_invalidation_delivered',
  'cache_publish_error',
  'cache_memory_pressure',
  'cache_tier_error',
  'cache_breaker',
  'cache_damaged',
  'cache_log_broken',
] as const

export type LogEventName = (typeof LOG_EVENTS)[number]

/** A line about one fill. Times in milliseconds. */
export interface FillLine {
  readonly scope: 'cache-fill'
  readonly event: LogEventName
  readonly cache: string
  /** The policy's name. */
  readonly logicalName: string
  readonly tenant: string
  readonly key?: string | number
  readonly leaseMs: number
  readonly waitMs: number
  readonly pollMinMs: number
  readonly pollMaxMs: number
  /** What a follower does when it has waited in vain. */
  readonly fallback: string
  readonly elapsedMs: number
  /** Where in the fill: the read, the fill itself, or the wait for another process. */
  readonly phase: 'read' | 'fill' | 'wait'
  readonly operation: 'get' | 'fill' | 'follow' | 'acquire'
  readonly hedged: boolean
  /** True if a cached "there is none" was stored. */
  readonly sentinel: boolean
  readonly nullResult: boolean
  readonly error?: string
}

/** A line about another part of the cache. */
export interface PartLine {
  readonly scope: 'cache'
  readonly event: LogEventName
  readonly cache: string
  readonly [field: string]: unknown
}

export type LogLine = FillLine | PartLine

export interface LineContext {
  readonly cache: string
  readonly rules: (policy: string) => Rules | undefined
  readonly keys: 'plain' | 'hashed' | 'none'
}

/** The line of an event; undefined if it has none. */
export function logLineOf(event: CacheEvent, context: LineContext): LogLine | undefined {
  const { cache } = context
  switch (event.type) {
    case 'hit':
      return fillLine('cache_hit', event, context, { phase: 'read', operation: 'get' })
    case 'filled':
      return fillLine('cache_fill_leader', event, context, {
        elapsedMs: event.durationMs,
        sentinel: event.negative && event.stored,
        nullResult: event.negative,
      })
    case 'fill-failed':
      return fillLine('cache_fill_error', event, context, {
        elapsedMs: event.durationMs,
        error: errorText(event.error),
      })
    case 'followed':
      if (event.outcome === 'retry') return undefined
      return fillLine(
        event.outcome === 'value' ? 'cache_fill_follower_hit' : 'cache_fill_follower_timeout',
        event,
        context,
        { elapsedMs: event.waitedMs, phase: 'wait', operation: 'follow' },
      )
    case 'hedged':
      return fillLine('cache_fill_hedge', event, context, { phase: 'wait', operation: 'acquire', hedged: true })
    case 'tier-failed': {
      const { tier, operation, policy, tenant, key } = event
      const error = errorText(event.error)
      if (policy === undefined || tenant === undefined || key === undefined) {
        return { scope: 'cache', event: 'cache_tier_error', cache, tier, operation, error }
      }
      const about = { policy, tenant, key }
      return fillLine('cache_fill_lock_error', about, context, { phase: 'wait', operation: 'acquire', error })
    }
    case 'fenced':
      return { scope: 'cache', event: 'cache_fill_fenced', cache, ...subject(event, context) }
    case 'not-stored':
      return { scope: 'cache', event: 'cache_not_stored', cache, ...subject(event, context), cause: event.cause }
    case 'lease-lost':
      return { scope: 'cache', event: 'cache_lease_lost', cache, ...subject(event, context) }
    case 'invalidated': {
      const { tenant, tags, entries, clear, soft, source } = event
      return { scope: 'cache', event: 'cache_invalidated', cache, tenant, tags, entries, clear, soft, source }
    }
    case 'invalidation-queued':
    case 'invalidation-delivered': {
      const { type, ...told } = event
      const name = type === 'invalidation-queued' ? 'cache_invalidation_queued' : 'cache_invalidation_delivered'
      return { scope: 'cache', event: name, cache, ...told }
    }
    case 'publish-failed': {
      const { operation } = event
      const error = errorText(event.error)
      return { scope: 'cache', event: 'cache_publish_error', cache, ...subject(event, context), operation, error }
    }
    case 'memory-pressure': {
      const { type: _type, ...told } = event
      return { scope: 'cache', event: 'cache_memory_pressure', cache, ...told }
    }
    case 'breaker':
    case 'damaged': {
      const { type, ...told } = event
      return { scope: 'cache', event: type === 'breaker' ? 'cache_breaker' : 'cache_damaged', cache, ...told }
    }
    case 'log-broken':
      // Every process begins with one.
      if (event.cause === 'first') return undefined
      return { scope: 'cache', event: 'cache_log_broken', cache, shard: event.shard, cause: event.cause }
    default:
      return undefined
  }
}

type Subject = { policy: string; tenant: string; key: string | number }

function fillLine(
  event: LogEventName,
  about: Subject,
  context: LineContext,
  more: Partial<FillLine>,
): FillLine | undefined {
  const coordinate = context.rules(about.policy)?.coordinate
  if (coordinate === undefined) return undefined
  const { leaseMs, waitMs, pollMinMs, pollMaxMs, onTimeout } = coordinate
  return {
    scope: 'cache-fill',
    event,
    cache: context.cache,
    ...subject(about, context),
    leaseMs,
    waitMs,
    pollMinMs,
    pollMaxMs,
    fallback: onTimeout,
    elapsedMs: 0,
    phase: 'fill',
    operation: 'fill',
    hedged: false,
    sentinel: false,
    nullResult: false,
    ...more,
  }
}

function subject(
  { policy, tenant, key }: Subject,
  { keys }: LineContext,
): { logicalName: string; tenant: string; key?: string | number } {
  const about = { logicalName: policy, tenant }
  if (keys === 'none') return about
  return { ...about, key: keys === 'plain' ? key : hashed(key) }
}

/** Tells keys apart without saying them. */
function hashed(key: string | number): string {
  return createHash('sha256')
    .update(`${typeof key}:${key}`)
    .digest('base64url')
    .slice(0, 12)
}
