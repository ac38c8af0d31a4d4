import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { definePolicy } from '../../../src/index.js'
import { type LogEventsOptions, logEvents } from '../../../src/observe/index.js'
import { deferred, twinCaches } from '../../kit/twin-caches.js'
import { type WatchedCache, watchedCache } from './watched-cache.js'

const units = definePolicy({ name: 'units', ttl: '60s', jitter: 0, coordinate: { onTimeout: 'hedge' } })

type Line = Record<string, unknown> & { level: string; message: string }

let watched: WatchedCache
let lines: Line[]

const logger = {
  info: (line: object, message: string) => void lines.push({ ...line, level: 'info', message }),
  warn: (line: object, message: string) => void lines.push({ ...line, level: 'warn', message }),
}

beforeEach(() => {
  watched = watchedCache()
  lines = []
})

afterEach(() => watched.close())

const log = (options: Partial<LogEventsOptions> = {}) =>
  logEvents(watched.cache, { logger, clock: watched.clock, ...options })

/** What S1 says that a line of a fill has. */
const FILL_FIELDS = {
  scope: 'cache-fill',
  event: expect.stringMatching(/^cache_(hit|fill_(leader|follower_hit|follower_timeout|hedge|lock_error))$/),
  logicalName: expect.any(String),
  key: expect.any(String),
  leaseMs: expect.any(Number),
  waitMs: expect.any(Number),
  pollMinMs: expect.any(Number),
  pollMaxMs: expect.any(Number),
  fallback: expect.stringMatching(/^(fill|hedge|throw)$/),
  elapsedMs: expect.any(Number),
  phase: expect.stringMatching(/^(read|fill|wait)$/),
  operation: expect.any(String),
  hedged: expect.any(Boolean),
  sentinel: expect.any(Boolean),
  nullResult: expect.any(Boolean),
}

describe('S1-11, S3-13: the lines of a fill', () => {
  it('come with every field, for all six outcomes', async () => {
    const { clock, caches, network, close } = twinCaches(2)
    const events = [
      'cache_hit',
      'cache_fill_leader',
      'cache_fill_follower_hit',
      'cache_fill_follower_timeout',
      'cache_fill_hedge',
      'cache_fill_lock_error',
    ] as const
    const ends = caches.map((cache) => logEvents(cache, { logger, clock, events }))
    const fill = (ms: number) => () => new Promise<null>((resolve) => clock.setTimer(() => resolve(null), ms))
    const calls = [caches[0]!.getOrFill(units, 'quick', fill(500)), caches[0]!.getOrFill(units, 'slow', fill(4_000))]
    await clock.settle()
    calls.push(caches[1]!.getOrFill(units, 'quick', fill(0)), caches[1]!.getOrFill(units, 'slow', fill(0)))
    await clock.advance(6_000)
    await Promise.all(calls)
    await caches[0]!.getOrFill(units, 'quick', fill(0))
    network.hold('request', 'acquire', 1)
    const refused = caches[0]!.getOrFill(units, 'refused', fill(0))
    await clock.advance(2_000)
    await refused
    for (const line of lines) expect(line).toMatchObject(FILL_FIELDS)
    expect(new Set(lines.map(({ event }) => event))).toEqual(new Set(events))
    expect(lines.find(({ event, key }) => event === 'cache_fill_leader' && key === 'quick')).toMatchObject({
      elapsedMs: 500,
      sentinel: true,
      nullResult: true,
      level: 'info',
    })
    expect(lines.find(({ event }) => event === 'cache_fill_hedge')).toMatchObject({ hedged: true, fallback: 'hedge' })
    expect(lines.find(({ event }) => event === 'cache_fill_lock_error')).toMatchObject({
      level: 'warn',
      key: 'refused',
    })
    for (const end of ends) end()
    await close()
  })

  it('write hits only if asked for', async () => {
    const end = log()
    for (let n = 0; n < 3; n++) await watched.cache.getOrFill(units, 'a', () => 1)
    expect(lines.map(({ event }) => event)).toEqual(['cache_invalidated', 'cache_fill_leader'])
    end()
    const endHits = log({ events: ['cache_hit'] })
    await watched.cache.getOrFill(units, 'a', () => 1)
    expect(lines.at(-1)).toMatchObject({ event: 'cache_hit', logicalName: 'units', key: 'a', phase: 'read' })
    endHits()
    await watched.cache.getOrFill(units, 'b', () => 1)
    expect(lines).toHaveLength(3)
  })
})

describe('what lines never hold', () => {
  it('values, and secrets of errors', async () => {
    const { cache } = watched
    log({ keys: 'hashed' })
    await cache.tenant('org-7').getOrFill(units, 'key-a', () => ({ secret: 'value-1' }))
    const fail = () => Promise.reject(new Error('connect postgres://app:hunter2@db:5432 with password=hunter3'))
    await cache.getOrFill(units, 'key-b', fail).catch(() => {})
    const text = JSON.stringify(lines)
    expect(text).toContain('postgres://***@db:5432 with password=***')
    expect(text).not.toMatch(/value-1|hunter|key-a/)
    expect(lines.find(({ tenant, key }) => tenant === 'org-7' && key !== undefined)).toMatchObject({
      key: expect.stringMatching(/^[\w-]{12}$/),
    })
    lines = []
    log({ keys: 'none', events: ['cache_fill_leader'] })
    await cache.getOrFill(units, 'key-c', () => 1)
    expect(lines.at(-1)).not.toHaveProperty('key')
  })
})

describe('the number of lines', () => {
  it('S2-40: is limited; the next line says how many were left out', async () => {
    const { cache, clock } = watched
    log({ events: ['cache_fill_leader'], maxLinesPerSecond: 2 })
    for (let n = 0; n < 10; n++) await cache.getOrFill(units, n, () => n)
    expect(lines).toHaveLength(2)
    await clock.advance(1_000)
    await cache.getOrFill(units, 'next', () => 1)
    expect(lines[2]).toMatchObject({ suppressed: 8 })
  })
})

describe('S3-13: other lines', () => {
  it('tell invalidations and broken parts', async () => {
    const { cache, clock, hang } = watched
    log()
    await cache.tenant('org-7').invalidate({ tags: ['units'] })
    expect(lines.at(-1)).toMatchObject({
      scope: 'cache',
      event: 'cache_invalidated',
      tenant: 'org-7',
      tags: ['units'],
      source: 'local',
    })
    await cache.get(units, 'a')
    hang(true)
    const late = deferred<number>()
    const read = cache.getOrFill(units, 'a', () => late.promise, { consistency: 'strict' })
    await clock.advance(1_000)
    late.resolve(1)
    await read
    expect(lines.find(({ event }) => event === 'cache_tier_error')).toMatchObject({ level: 'warn', operation: 'read' })
    hang(false)
  })

  it('tell what waits for the shared tier, and what was delivered', async () => {
    const { cache, clock, hang } = watched
    await cache.get(units, 'a')
    log()
    hang(true)
    const queued = cache.invalidate({ tags: ['units'], whenUnavailable: 'queue' })
    await clock.advance(1_000)
    await queued
    expect(lines.find(({ event }) => event === 'cache_invalidation_queued')).toMatchObject({
      level: 'warn',
      tags: ['units'],
    })
    hang(false)
    await clock.advance(30_000)
    expect(lines.find(({ event }) => event === 'cache_invalidation_delivered')).toMatchObject({ level: 'info' })
  })

  it.each([
    [{ logger: {} }, 'logEvents.logger must be an object with the methods info, warn'],
    [{ events: ['cache_hits'] }, "logEvents.events[0] must be 'cache_hit' or"],
    [{ events: [] }, 'logEvents.events must name at least one event'],
    [{ keys: 'some' }, "logEvents.keys must be 'plain' or 'hashed' or 'none'"],
    [{ maxLinesPerSecond: 0 }, 'logEvents.maxLinesPerSecond must be a whole number'],
    [{ level: 'info' }, 'logEvents.level is no option'],
  ])('%o is refused', (options, message) => {
    expect(() => log(options as never)).toThrow(message)
  })
})
