import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, type CacheEvent, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import {
  createTwinServer,
  type FakeClock,
  fakeClock,
  seededRandom,
  sharedTier,
  type TwinServer,
} from '../../../src/testing/index.js'

/** Invalidations that nobody acknowledged and that were asked to wait. */
const row = definePolicy({ name: 'row', ttl: '10m', jitter: 0, tags: () => ['t'] })
const kept = definePolicy({ name: 'kept', ttl: '10m', jitter: 0, stale: { ifError: '1h' } })
const queued = { whenUnavailable: 'queue' } as const

let clock: FakeClock
let server: TwinServer
let isCut: boolean
let cache: Cache
let other: Cache
let events: CacheEvent[]

beforeEach(() => {
  clock = fakeClock()
  isCut = false
  server = createTwinServer({
    clock,
    random: seededRandom(1),
    deliver: (_phase, _command, client) => {
      if (client === 1 && isCut) throw new Error('cut')
    },
  })
  const make = (seed: number): Cache =>
    createCache({ tiers: [memoryTier(), sharedTier({ server })], clock, random: seededRandom(seed) })
  cache = make(2)
  other = make(3)
  events = []
  for (const type of ['invalidation-queued', 'invalidation-delivered'] as const) {
    cache.on(type, (event) => events.push(event))
  }
})

afterEach(async () => {
  const closed = Promise.all([cache.close(), other.close()])
  await clock.advance(20_000)
  await closed
  expect(clock.pendingTimers).toBe(0)
})

const waiting = (): number => cache.stats().queuedInvalidations

describe('an invalidation that nobody acknowledges', () => {
  const calls = {
    delete: () => cache.delete(row, 'k', queued),
    'invalidate by tag': () => cache.invalidate({ tags: ['t'], ...queued }),
    'invalidate by entry': () => cache.invalidate({ entries: [[row, 'k']], ...queued }),
    clear: () => cache.clear(queued),
    deleteMany: () => cache.deleteMany(row, ['k'], queued),
  }

  it.each(Object.entries(calls))(
    'says that it is queued, and is delivered before the shared tier is read: %s',
    async (_, call) => {
      await other.set(row, 'k', 'old')
      await cache.get(row, 'k')
      isCut = true
      expect(await call()).toMatchObject({ state: 'queued' })
      expect(waiting()).toBe(1)
      // Others are promised nothing.
      expect(await other.get(row, 'k')).toBe('old')
      isCut = false
      await clock.advance(300)
      expect(await cache.get(row, 'k')).toBeUndefined()
      expect(waiting()).toBe(0)
      await clock.settle()
      expect(await other.get(row, 'k')).toBeUndefined()
    },
  )

  it('rejects unless it was asked to wait', async () => {
    isCut = true
    await expect(cache.delete(row, 'k', { whenUnavailable: 'reject' })).rejects.toMatchObject({
      code: 'SHARED_TIER_FAILED',
    })
    expect(waiting()).toBe(0)
  })

  it('is delivered by itself, without a read, and told', async () => {
    await other.set(row, 'k', 'old')
    isCut = true
    await cache.delete(row, 'k', queued)
    await clock.advance(3_000)
    expect(waiting()).toBe(1)
    isCut = false
    await clock.advance(600)
    expect([waiting(), await other.get(row, 'k')]).toEqual([0, undefined])
    expect(events).toEqual([
      { type: 'invalidation-queued', tenant: '', tags: [], entries: 1, clear: false },
      { type: 'invalidation-delivered', tenant: '', count: 1 },
    ])
  })

  it('keeps its process from reading back what it has invalidated, as long as it waits', async () => {
    await other.set(row, 'k', 'old')
    isCut = true
    await cache.delete(row, 'k', queued)
    isCut = false
    for (let left = 3; left > 0; left--) server.fail('unlink', new Error('OOM'))
    for (const level of ['bounded', 'strict', 'eventual'] as const) {
      expect(await cache.getOrFill(row, 'k', () => 'new', { consistency: level })).toBe('new')
      expect(await cache.get(row, 'else', { consistency: level })).toBeUndefined()
    }
    expect((await cache.getEntry(row, 'else')).state).toBe('failed')
    expect(await cache.getOrFillMany(row, ['x', 'y'], () => [['x', 1]])).toEqual(
      new Map([
        ['x', 1],
        ['y', null],
      ]),
    )
    await clock.advance(2_000)
    expect(waiting()).toBe(0)
    expect((await cache.getEntry(row, 'else')).state).toBe('missing')
  })

  it('comes after what others invalidated meanwhile: first the log, then the queue, then reads', async () => {
    await other.set(row, 'k', 'old')
    await cache.get(row, 'k')
    isCut = true
    await cache.delete(row, 'other', queued)
    await other.delete(row, 'k')
    isCut = false
    await clock.advance(300)
    const order: string[] = []
    const before = { ...server.commands }
    cache.on('*', ({ type }) => order.push(type))
    expect(await cache.getOrFill(row, 'k', () => 'new', { consistency: 'strict' })).toBe('new')
    expect(order.indexOf('invalidated')).toBeLessThan(order.indexOf('invalidation-delivered'))
    expect(server.commands.logSince).toBeGreaterThan(before.logSince)
  })

  it('asked for twice is delivered once, the hard one', async () => {
    await other.set(kept, 'k', 'old')
    isCut = true
    await cache.delete(kept, 'k', queued)
    await cache.invalidate({ entries: [[kept, 'k']], soft: true, ...queued })
    await cache.delete(kept, 'k', queued)
    expect(waiting()).toBe(1)
    isCut = false
    await clock.advance(600)
    expect((await other.getEntry(kept, 'k')).state).toBe('missing')
    expect(server.commands.unlink).toBe(1)
  })

  it('that comes while the one before is under way is delivered after it', async () => {
    isCut = true
    await cache.delete(row, 'k', queued)
    isCut = false
    await other.set(row, 'k', 'older')
    cache.on('invalidated', ({ source }) => {
      if (source !== 'local' || server.commands.unlink > 1) return
      isCut = true
      void cache.delete(row, 'k', queued)
    })
    await clock.advance(600)
    await clock.settle()
    expect(waiting()).toBe(1)
    isCut = false
    await clock.advance(600)
    expect([waiting(), server.commands.unlink]).toEqual([0, 2])
  })

  it('is what a read after its receipt reflects in its own process', async () => {
    await other.set(row, 'k', 'old')
    await cache.get(row, 'k')
    isCut = true
    const receipt = await cache.delete(row, 'k', queued)
    expect(await cache.getOrFill(row, 'k', () => 'new', { after: receipt })).toBe('new')
  })
})

describe('a queue that is full', () => {
  it('clears the namespace instead of losing anything, and only that namespace', async () => {
    const a = cache.tenant('a')
    const b = cache.tenant('b')
    await other.tenant('a').set(row, 'k', 'old')
    await other.tenant('b').set(row, 'k', 'old')
    isCut = true
    await b.delete(row, 'else', queued)
    for (const half of [0, 1]) {
      const keys = Array.from({ length: 6_000 }, (_, index) => half * 6_000 + index)
      expect((await a.deleteMany(row, keys, queued)).state).toBe('queued')
    }
    expect(waiting()).toBe(2)
    isCut = false
    await clock.advance(600)
    await clock.settle()
    expect(waiting()).toBe(0)
    expect([await other.tenant('a').get(row, 'k'), await other.tenant('b').get(row, 'k')]).toEqual([undefined, 'old'])
  })
})

describe('close', () => {
  it.each([0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650, 700])(
    'leaves no timer behind, also where an attempt was due while the last one was under way: after %i ms',
    async (laterMs) => {
      const own = fakeClock()
      let hangs = false
      const hung = createTwinServer({
        clock: own,
        random: seededRandom(1),
        deliver: () => (hangs ? new Promise<never>(() => {}) : undefined),
      })
      const tiers = [memoryTier(), sharedTier({ server: hung })]
      const single = createCache({ tiers, clock: own, random: seededRandom(2) })
      await single.getOrFill(row, 'k', () => 1)
      hangs = true
      const deleted = single.delete(row, 'k', queued)
      await own.advance(1_000)
      expect(await deleted).toEqual({ state: 'queued' })
      await own.advance(laterMs)
      const closed = single.close({ graceMs: 10 })
      await own.advance(5_000)
      expect(await closed).toMatchObject({ undelivered: 1 })
      expect(own.pendingTimers).toBe(0)
    },
  )

  it('delivers what waits', async () => {
    await other.set(row, 'k', 'old')
    isCut = true
    await cache.delete(row, 'k', queued)
    isCut = false
    expect(await cache.close()).toEqual({ aborted: 0, undelivered: 0 })
    expect(await other.get(row, 'k', { consistency: 'strict' })).toBeUndefined()
  })

  it('tries until its grace is over, then says what is left', async () => {
    isCut = true
    await cache.delete(row, 'k', queued)
    await cache.clear(queued)
    const closed = cache.close({ graceMs: 1_000 })
    await clock.advance(1_000)
    expect(await closed).toEqual({ aborted: 0, undelivered: 1 })
  })
})

describe('deleteMany', () => {
  const keys = Array.from({ length: 600 }, (_, index) => `k${index}`)

  it('says which keys nobody acknowledged; its token covers the others', async () => {
    for (const key of ['k0', 'k599']) await other.set(row, key, 'old')
    let appends = 0
    // The second row of the log is not acknowledged.
    const partial = createTwinServer({
      clock,
      random: seededRandom(5),
      deliver: (phase, command) => {
        if (phase === 'request' && command === 'append' && ++appends === 2) throw new Error('cut')
      },
    })
    const single = createCache({
      tiers: [memoryTier(), sharedTier({ server: partial })],
      clock,
      random: seededRandom(6),
    })
    const { state, token, failed } = await single.deleteMany(row, keys)
    expect([state, failed.size, [...failed.keys()][0]]).toEqual(['partial', 256, 'k256'])
    expect([...failed.values()][0]).toMatchObject({ code: 'SHARED_TIER_FAILED' })
    expect(token).toMatch(/^0:[\w-]+:\d+-\d+$/)
    await single.close()
  })

  it('rejects if nothing was acknowledged', async () => {
    isCut = true
    await expect(cache.deleteMany(row, keys)).rejects.toMatchObject({ code: 'SHARED_TIER_FAILED' })
  })

  it('and every other batch has a limit', async () => {
    const many = Array.from({ length: 10_001 }, (_, index) => index)
    await expect(cache.deleteMany(row, many)).rejects.toMatchObject({ field: 'keys' })
    await expect(cache.getMany(row, many)).rejects.toMatchObject({ field: 'keys' })
    await expect(
      cache.setMany(
        row,
        many.map((key) => [key, 1] as const),
      ),
    ).rejects.toMatchObject({ field: 'entries' })
    const entries = many.map((key) => [row, key] as const)
    await expect(cache.invalidate({ entries })).rejects.toMatchObject({ field: 'invalidate.entries' })
  })
})
