import { afterEach, describe, expect, it } from 'vitest'
import { spacePrefix, storedKey } from '../../../src/core/stored-key.js'
import { type Cache, definePolicy } from '../../../src/index.js'
import { deferred, Origin, type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

/** Replies that come after an event they know nothing of: what they carry may be answered, never kept. */
const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0 })
const tagged = definePolicy({ name: 'tagged', ttl: '60s', jitter: 0, tags: () => ['t'] })

let open: TwinCaches | undefined

function setUp(count: number): TwinCaches & { a: Cache; b: Cache } {
  open = twinCaches(count)
  const [a, b] = open.caches
  return { ...open, a: a!, b: b ?? a! }
}

afterEach(async () => {
  await open?.close()
  open = undefined
})

describe('a control block that was read before an invalidation by tag', () => {
  it('keeps nothing in memory when its reply comes after the acknowledgement by this process', async () => {
    const { a, network } = setUp(1)
    const origin = new Origin()
    await a.getOrFill(tagged, 'k', origin.load)
    const reply = network.hold('reply', 'read', 1)
    const early = a.getOrFill(tagged, 'k', origin.load, { consistency: 'strict' })
    await reply.reached
    origin.version = 2
    await a.invalidate({ tags: ['t'] })
    reply.release()
    await early
    expect(a.peek(tagged, 'k')).not.toBe(1)
    expect(await a.getOrFill(tagged, 'k', origin.load)).toBe(2)
  })

  it('keeps nothing in memory when its reply comes after the event from another process', async () => {
    const { a, b, clock, network } = setUp(2)
    const origin = new Origin()
    await b.getOrFill(tagged, 'k', origin.load)
    await a.get(row, 'other')
    const reply = network.hold('reply', 'read', 1)
    const early = a.getOrFill(tagged, 'k', origin.load, { consistency: 'strict' })
    await reply.reached
    origin.version = 2
    await b.invalidate({ tags: ['t'] })
    await clock.settle()
    reply.release()
    await early
    expect(a.peek(tagged, 'k')).not.toBe(1)
  })

  it('keeps nothing in memory when only the clocks of the tags were on their way', async () => {
    const { a, b, clock, network } = setUp(2)
    const origin = new Origin()
    await b.getOrFill(tagged, 'k', origin.load)
    await b.invalidate({ tags: ['else'] })
    await a.get(row, 'other')
    const reply = network.hold('reply', 'control', 1)
    const early = a.getOrFill(tagged, 'k', origin.load)
    await reply.reached
    origin.version = 2
    await b.invalidate({ tags: ['t'] })
    await clock.settle()
    reply.release()
    await early
    expect(a.peek(tagged, 'k')).not.toBe(1)
  })

  it('keeps nothing in memory when the whole control block was lost and made anew meanwhile', async () => {
    const { a, b, clock, network, server } = setUp(2)
    const origin = new Origin()
    await b.getOrFill(tagged, 'k', origin.load)
    await a.get(row, 'other')
    const reply = network.hold('reply', 'read', 1)
    const early = a.getOrFill(tagged, 'k', origin.load, { consistency: 'strict' })
    await reply.reached
    origin.version = 2
    server.evict('0:', 'controls')
    await clock.advance(100)
    const receipt = await b.invalidate({ tags: ['t'] })
    await a.get(row, 'other', { after: receipt })
    reply.release()
    await early
    expect(a.peek(tagged, 'k')).not.toBe(1)
    expect(await a.getOrFill(tagged, 'k', origin.load)).toBe(2)
  })
})

describe('a set', () => {
  it('R5: is not undone by a read of this process that was sent before it', async () => {
    const { a, clock, network } = setUp(1)
    await a.set(row, 'k', 1)
    const store = network.hold('request', 'store', 1)
    const stored = a.set(row, 'k', 2)
    await store.reached
    const reply = network.hold('reply', 'read', 1)
    const early = a.getOrFill(row, 'k', () => 0)
    await reply.reached
    store.release()
    await stored
    reply.release()
    expect(await early).toBe(1)
    await clock.settle()
    expect(await a.get(row, 'k')).toBe(2)
  })

  it('whose lease ended by itself leaves no older value behind, here or in the shared tier', async () => {
    const { a, b, clock, network, server } = setUp(2)
    await a.set(row, 'k', 1)
    expect(await b.get(row, 'k')).toBe(1)
    await clock.advance(1)
    const store = network.hold('request', 'store', 1)
    const stored = a.set(row, 'k', 2)
    await store.reached
    server.evict(storedKey(spacePrefix('0:', 'row', 1), 'k'), 'leases')
    const reply = network.hold('reply', 'read', 1)
    const early = a.getOrFill(row, 'k', () => 0)
    await reply.reached
    store.release()
    expect(await stored).toEqual({ state: 'superseded' })
    reply.release()
    await early
    await clock.settle()
    expect(await a.get(row, 'k')).toBeUndefined()
    expect(await b.get(row, 'k')).toBeUndefined()
  })

  it('that was executed twice leaves no older value in the memory of its process', async () => {
    const { a, clock, network } = setUp(1)
    await a.set(row, 'k', 1)
    await clock.advance(1)
    const store = network.hold('request', 'store', 1)
    const stored = a.set(row, 'k', 2)
    await store.reached
    const early = await a.getOrFill(row, 'k', () => 0)
    expect(early).toBe(1)
    await clock.advance(1)
    network.repeat('store', 1)
    store.release()
    expect(await stored).toEqual({ state: 'superseded' })
    expect(await a.getOrFill(row, 'k', () => 0)).toBe(2)
  })

  it.each([
    ['request', 'superseded'],
    ['reply', 'stored'],
  ] as const)('leaves memory and the shared tier at one value when two cross at the %s', async (phase, state) => {
    const { a, b, clock, network } = setUp(2)
    await a.get(row, 'other')
    const store = network.hold(phase, 'store', 1)
    const first = a.set(row, 'k', 1)
    await store.reached
    // In one millisecond nobody could tell which was there first: both would go.
    await clock.advance(1)
    await a.set(row, 'k', 2)
    store.release()
    expect(await first).toEqual({ state })
    await clock.settle()
    expect(await b.get(row, 'k')).toBe(2)
    expect(await a.get(row, 'k')).toBe(2)
  })

  it.each(['delete', 'tag', 'clear'] as const)(
    'R1: that arrives late, after its caller gave up, undoes no invalidation that was acknowledged since: %s',
    async (way) => {
      const { a, b, clock, network } = setUp(2)
      await b.get(tagged, 'other')
      const store = network.hold('request', 'store', 1)
      const outcome = a.set(tagged, 'k', 'old').catch((error: unknown) => error)
      await store.reached
      await clock.advance(250)
      expect(await outcome).toMatchObject({ code: 'SHARED_TIER_FAILED' })
      if (way === 'delete') await b.delete(tagged, 'k')
      else if (way === 'tag') await b.invalidate({ tags: ['t'] })
      else await b.clear()
      store.release()
      await clock.settle()
      for (const cache of [a, b]) expect(await cache.getOrFill(tagged, 'k', () => 'new')).toBe('new')
      expect(await a.getOrFill(tagged, 'k', () => 'newer', { consistency: 'strict' })).toBe('new')
    },
  )

  it('that an invalidation elsewhere overtook says so, and is stored nowhere', async () => {
    const { a, b, network } = setUp(2)
    await b.get(row, 'other')
    const store = network.hold('request', 'store', 1)
    const outcome = a.setMany(row, [
      ['k', 1],
      ['l', 1],
    ])
    await store.reached
    await b.delete(row, 'k')
    store.release()
    expect(await outcome).toEqual(
      new Map([
        ['k', { state: 'superseded' }],
        ['l', { state: 'stored' }],
      ]),
    )
    for (const cache of [a, b]) expect([await cache.get(row, 'k'), await cache.get(row, 'l')]).toEqual([undefined, 1])
  })

  it('that was done but never acknowledged is no reason to pass over its row of the log', async () => {
    const { a, b, clock, network } = setUp(2)
    await a.set(row, 'k', 1)
    const store = network.hold('request', 'store', 1)
    const outcome = a.set(row, 'k', 2).catch((error: unknown) => error)
    await store.reached
    expect(await a.get(row, 'k')).toBe(1)
    const append = network.hold('reply', 'append', 1)
    store.release()
    await append.reached
    await clock.advance(250)
    expect(await outcome).toMatchObject({ code: 'SHARED_TIER_FAILED' })
    await clock.advance(2_001)
    expect([await b.get(row, 'k'), await a.get(row, 'k')]).toEqual([2, 2])
    append.release()
  })

  it('that was done but never acknowledged leaves no older value here, though its row came by before', async () => {
    const { a, b, clock, network } = setUp(2)
    await a.set(row, 'k', 1)
    await clock.advance(400)
    const store = network.hold('request', 'store', 1)
    const outcome = a.set(row, 'k', 2).catch((error: unknown) => error)
    await store.reached
    expect(await a.get(row, 'k')).toBe(1)
    const append = network.hold('reply', 'append', 1)
    store.release()
    await append.reached
    // The log is looked at, and tells of nothing but the set of this process.
    await clock.advance(250)
    expect(await outcome).toMatchObject({ code: 'SHARED_TIER_FAILED' })
    expect([await b.get(row, 'k'), await a.get(row, 'k')]).toEqual([2, 2])
    append.release()
  })

  it.each<[what: string, value: unknown, ttl: '0s' | undefined]>([
    ['of a life of zero', 2, '0s'],
    ['of undefined', undefined, undefined],
  ])('%s leaves nothing, not even as stale', async (_what, value, ttl) => {
    const { a, b } = setUp(2)
    const kept = definePolicy({ name: 'kept', ttl: '60s', stale: { ifError: '1h' } })
    await a.set(kept, 'k', 1)
    await b.get(kept, 'k')
    await a.set(kept, 'k', value, { ttl })
    expect([(await a.getEntry(kept, 'k')).value, (await b.getEntry(kept, 'k')).value]).not.toContain(1)
    expect((await a.getEntry(kept, 'k')).state).not.toBe('fresh')
    await open?.clock.advance(1)
    expect([(await a.getEntry(kept, 'k')).state, (await b.getEntry(kept, 'k')).state]).toEqual(['missing', 'missing'])
  })

  it('is not undone by a fill that began before it', async () => {
    const { a, b, clock } = setUp(2)
    const loaded = deferred<number>()
    const early = a.getOrFill(row, 'k', () => loaded.promise)
    await clock.settle()
    await b.set(row, 'k', 2)
    loaded.resolve(1)
    expect(await early).toBe(1)
    expect([await a.get(row, 'k'), await b.get(row, 'k')]).toEqual([2, 2])
  })
})
