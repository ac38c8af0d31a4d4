import type { Cache } from '../core/create-cache.js'
import type { Clock } from '../core/ports/clock.js'

/** The part of a `Tracer` of `@opentelemetry/api` that is called. */
export interface SpanTracer {
  startSpan(name: string, options: { startTime: number; attributes: Record<string, string | boolean> }): Span
}

interface Span {
  setStatus(status: { code: number; message?: string }): unknown
  end(endTime: number): void
}

/** `SpanStatusCode.ERROR` of the API. */
const ERROR = 2

/**
 * A span for each fill and each wait for another process' fill. They are made when the event comes, in the
 * asynchronous context of whoever began the flight, so that they hang below the request that caused them. Keys and
 * tenants are not told.
 */
export function fillSpans(cache: Cache, tracer: SpanTracer, clock: Clock): () => void {
  const { name } = cache.stats()
  const tell = (
    what: string,
    event: { policy: string },
    told: { tookMs: number; error?: unknown; attributes?: Record<string, string | boolean> },
  ): void => {
    const endTime = clock.wallNow()
    const attributes = { 'cache.name': name, 'cache.policy': event.policy, ...told.attributes }
    const span = tracer.startSpan(`cache ${what} ${event.policy}`, { startTime: endTime - told.tookMs, attributes })
    if ('error' in told) span.setStatus({ code: ERROR, message: errorName(told.error) })
    span.end(endTime)
  }
  const ends = [
    cache.on('filled', (event) => {
      const attributes = { 'cache.stored': event.stored, 'cache.negative': event.negative }
      tell('fill', event, { tookMs: event.durationMs, attributes })
    }),
    cache.on('fill-failed', (event) => tell('fill', event, { tookMs: event.durationMs, error: event.error })),
    cache.on('followed', (event) => {
      tell('follow', event, { tookMs: event.waitedMs, attributes: { 'cache.outcome': event.outcome } })
    }),
  ]
  return () => {
    for (const end of ends) end()
  }
}

/** A message may hold what must not be told; a name does not. */
function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
