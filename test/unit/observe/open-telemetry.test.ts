import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { definePolicy } from '../../../src/index.js'
import { openTelemetry } from '../../../src/observe/index.js'
import { type WatchedCache, watchedCache } from './watched-cache.js'

const units = definePolicy({ name: 'units', ttl: '60s', jitter: 0 })

let watched: WatchedCache

beforeEach(() => {
  watched = watchedCache()
})

afterEach(() => watched.close())

const fail = () => Promise.reject(new TypeError('postgres://app:hunter2@db is gone'))

describe('a meter of the OpenTelemetry SDK', () => {
  it('sees the same counts, under names with dots', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    const provider = new MeterProvider({ readers: [reader] })
    const { cache } = watched
    const end = openTelemetry(cache, { meter: provider.getMeter('freshtier') })
    for (let n = 0; n < 3; n++) await cache.getOrFill(units, 'a', () => 1)
    await reader.forceFlush()
    const [exported] = exporter.getMetrics()
    const metrics = new Map(exported!.scopeMetrics[0]!.metrics.map((metric) => [metric.descriptor.name, metric]))
    const requests = metrics.get('cache.requests')!.dataPoints
    const counts = requests.map(({ attributes, value }) => [attributes.outcome, value])
    expect(Object.fromEntries(counts)).toEqual({ hit: 2, stale: 0, miss: 1, joined: 0 })
    const load = metrics.get('cache.load.duration')!
    expect(load.descriptor.unit).toBe('s')
    expect(load.dataPoints[0]).toMatchObject({
      attributes: { cache: 'watched', policy: 'units', outcome: 'ok' },
      value: { count: 1, buckets: { boundaries: expect.arrayContaining([0.001, 30]) } },
    })
    expect(metrics.get('cache.bytes')!.descriptor.unit).toBe('By')
    end()
    await provider.shutdown()
  })
})

describe('a tracer of the OpenTelemetry SDK', () => {
  it('gets a span for each fill, below the request that caused it, without key, tenant or message', async () => {
    const exporter = new InMemorySpanExporter()
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    const manager = new AsyncLocalStorageContextManager().enable()
    context.setGlobalContextManager(manager)
    const { cache } = watched
    const tracer = provider.getTracer('freshtier')
    const end = openTelemetry(cache, { tracer })
    const request = tracer.startSpan('request')
    await context.with(trace.setSpan(context.active(), request), async () => {
      await cache.tenant('org-7').getOrFill(units, 'key-a', () => 1)
      await cache.getOrFill(units, 'key-b', fail).catch(() => {})
    })
    request.end()
    end()
    await cache.getOrFill(units, 'key-c', () => 1)
    const spans = exporter.getFinishedSpans()
    expect(spans.map(({ name }) => name)).toEqual(['cache fill units', 'cache fill units', 'request'])
    const [filled, failed] = spans
    expect(filled!.parentSpanContext?.spanId).toBe(request.spanContext().spanId)
    expect(filled!.attributes).toEqual({
      'cache.name': 'watched',
      'cache.policy': 'units',
      'cache.stored': true,
      'cache.negative': false,
    })
    expect(failed!.status).toEqual({ code: 2, message: 'TypeError' })
    expect(JSON.stringify(spans.map(({ attributes, status }) => [attributes, status]))).not.toMatch(
      /key-|org-7|hunter2/,
    )
    context.disable()
    await provider.shutdown()
  })
})

it('openTelemetry refuses what is neither meter nor tracer', () => {
  expect(() => openTelemetry(watched.cache, {})).toThrow('openTelemetry must name a meter, a tracer or both')
  expect(() => openTelemetry(watched.cache, { meter: {} as never })).toThrow('openTelemetry.meter must be an object')
})
