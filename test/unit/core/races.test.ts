import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, definePolicy, type Receipt } from '../../../src/index.js'
import { deferred, Origin, type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

/**
 * The races of a cache, one by one. Caches share a twin server; the first is client 1. An "old value" is one that the
 * origin no longer had when an invalidation was acknowledged.
 */
const policy = definePolicy({ name: 'row', ttl: '60s', jitter: 0 })
const tagged = definePolicy({ name: 'tagged', ttl: '60s', jitter: 0, tags: () => ['t'] })
const revalidated = definePolicy({
  name: 'revalidated',
  ttl: '60s',
  jitter: 0,
  stale: { whileRevalidate: '30s' },
  tags: () => ['t'],
})

let open: TwinCaches | undefined

function setUp(count: number): TwinCaches {
  open = twinCaches(count)
  return open
}

afterEach(async () => {
  await open?.close()
  open = undefined
})

describe('a fill that began before an invalidation', () => {
  it('R1, B22: is refused by the shared tier, and reaches its own callers only', async () => {
    const { caches, clock } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    const loaded = deferred<number>()
    const early = a.getOrFill(policy, 'k', () => loaded.promise)
    await clock.settle()
    origin.version = 2
    await b.delete(policy, 'k')
    loaded.resolve(1)
    expect(await early).toBe(1)
    expect(await b.getOrFill(policy, 'k', origin.load)).toBe(2)
    expect(await a.getOrFill(policy, 'k', origin.load)).toBe(2)
  })

  it('R3: is refused although the same process holds a newer lease for the key', async () => {
    const { caches, clock } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const first = deferred<number>()
    const second = deferred<number>()
    const early = a.getOrFill(policy, 'k', () => first.promise)
    await clock.settle()
    await a.delete(policy, 'k')
    const late = a.getOrFill(policy, 'k', () => second.promise)
    await clock.settle()
    first.resolve(1)
    expect(await early).toBe(1)
    expect(await b.get(policy, 'k')).toBeUndefined()
    second.resolve(2)
    expect(await late).toBe(2)
    expect(await b.get(policy, 'k')).toBe(2)
  })

  it('R6: is not joined by a caller who comes after the invalidation', async () => {
    const { caches, clock } = setUp(1)
    const [a] = caches as [(typeof caches)[0]]
    const origin = new Origin()
    const loaded = deferred<number>()
    const early = a.getOrFill(policy, 'k', () => loaded.promise)
    await clock.settle()
    origin.version = 2
    await a.delete(policy, 'k')
    const late = a.getOrFill(policy, 'k', origin.load)
    await clock.settle()
    loaded.resolve(1)
    expect([await early, await late]).toEqual([1, 2])
    expect(a.peek(policy, 'k')).toBe(2)
  })

  it('R6: is not joined by a caller who comes after an invalidation of its tag', async () => {
    const { caches, clock } = setUp(1)
    const [a] = caches as [(typeof caches)[0]]
    const origin = new Origin()
    const loaded = deferred<number>()
    const early = a.getOrFill(tagged, 'k', () => loaded.promise)
    await clock.settle()
    origin.version = 2
    await a.invalidate({ tags: ['t'] })
    const late = a.getOrFill(tagged, 'k', origin.load)
    await clock.settle()
    loaded.resolve(1)
    expect(await early).toBe(1)
    await clock.advance(1_000)
    expect(await late).toBe(2)
    expect(a.peek(tagged, 'k')).toBe(2)
  })

  it('R10: is dead to its tag, because its birth is the clock read before it began', async () => {
    const { caches, clock } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    const loaded = deferred<number>()
    const early = a.getOrFill(tagged, 'k', () => loaded.promise)
    await clock.settle()
    origin.version = 2
    await b.invalidate({ tags: ['t'] })
    loaded.resolve(1)
    expect(await early).toBe(1)
    expect(await b.getOrFill(tagged, 'k', origin.load)).toBe(2)
    expect(await a.getOrFill(tagged, 'k', origin.load)).toBe(2)
  })

  it('R10: is dead to a tag that only its value names', async () => {
    const { caches, clock } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    const loaded = deferred<number>()
    const early = a.getOrFill(policy, 'k', async (ctx) => ctx.value(await loaded.promise, { tags: ['late'] }))
    await clock.settle()
    origin.version = 2
    await b.invalidate({ tags: ['late'] })
    loaded.resolve(1)
    expect(await early).toBe(1)
    expect(await b.getOrFill(policy, 'k', origin.load)).toBe(2)
  })
})

describe('an invalidation that a process learns of from a control block, before its log tells', () => {
  const ways: Record<string, (cache: Cache) => Promise<Receipt>> = {
    clear: (cache) => cache.clear(),
    tag: (cache) => cache.invalidate({ tags: ['t'] }),
  }

  it.each(Object.entries(ways))('R6: %s: whoever comes after it joins no load that began before', async (_way, run) => {
    const { caches, clock, server } = setUp(2)
    const [a, b] = caches as [Cache, Cache]
    server.dropPush = true
    await b.getOrFill(tagged, 'other', () => 0)
    const loaded = deferred<number>()
    const early = b.getOrFill(tagged, 'k', () => loaded.promise)
    await clock.settle()
    const after = await run(a)
    await b.getOrFill(tagged, 'other', () => 0, { consistency: 'strict' })
    const late = b.getOrFill(tagged, 'k', () => 2, { after })
    await clock.settle()
    loaded.resolve(1)
    await clock.advance(1_000)
    expect([await early, await late]).toEqual([1, 2])
  })

  it.each(Object.entries(ways))('R6: %s: nor is given the stale value that answered before it', async (_way, run) => {
    const { caches, clock, server, network } = setUp(2)
    const [a, b] = caches as [Cache, Cache]
    const origin = new Origin()
    server.dropPush = true
    await a.getOrFill(revalidated, 'k', origin.load)
    await b.getOrFill(revalidated, 'other', () => 0)
    await clock.advance(60_000)
    const acquire = network.hold('request', 'acquire', 2)
    expect(await b.getOrFill(revalidated, 'k', origin.load)).toBe(1)
    await acquire.reached
    origin.version = 2
    const after = await run(a)
    await b.getOrFill(revalidated, 'other', () => 0, { consistency: 'strict' })
    const late = b.getOrFill(revalidated, 'k', origin.load, { after })
    await clock.settle()
    acquire.release()
    await clock.advance(1_000)
    expect(await late).toBe(2)
  })

  it('R6: the first block that it sees: whoever comes after it joins no load that began before', async () => {
    const { caches, clock, server } = setUp(2)
    const [a, b] = caches as [Cache, Cache]
    server.dropPush = true
    server.fail('read', new Error('cut'))
    const loaded = deferred<number>()
    const early = b.getOrFill(tagged, 'k', () => loaded.promise)
    await clock.settle()
    const after = await a.clear()
    await b.getOrFill(tagged, 'other', () => 0)
    const late = b.getOrFill(tagged, 'k', () => 2, { after })
    await clock.settle()
    loaded.resolve(1)
    await clock.advance(1_000)
    expect([await early, await late]).toEqual([1, 2])
  })
})

describe('a read under way', () => {
  it('R4: does not put into memory what an event declared old before its reply came', async () => {
    const { caches, clock, network } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await a.get(policy, 'other')
    await b.getOrFill(policy, 'k', origin.load)
    const reply = network.hold('reply', 'read', 1)
    const early = a.getOrFill(policy, 'k', origin.load)
    await reply.reached
    origin.version = 2
    await b.delete(policy, 'k')
    await clock.settle()
    reply.release()
    expect(await early).toBe(1)
    expect(a.peek(policy, 'k')).toBeUndefined()
    expect(await a.getOrFill(policy, 'k', origin.load)).toBe(2)
  })

  it('disk-read-unregistered: a read without a fill is watched for events like any other', async () => {
    const { caches, clock, network } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await a.get(policy, 'other')
    await b.getOrFill(policy, 'k', origin.load)
    const reply = network.hold('reply', 'read', 1)
    const early = a.get(policy, 'k')
    await reply.reached
    origin.version = 2
    await b.delete(policy, 'k')
    await clock.settle()
    reply.release()
    expect(await early).toBe(1)
    expect(a.peek(policy, 'k')).toBeUndefined()
  })

  it('R5: does not bring back what this process is just deleting', async () => {
    const { caches, network, server } = setUp(1)
    const [a] = caches as [(typeof caches)[0]]
    const origin = new Origin()
    // Its own log row must not be what helps.
    server.dropPush = true
    await a.getOrFill(policy, 'k', origin.load)
    const unlink = network.hold('request', 'unlink', 1)
    origin.version = 2
    const deleted = a.delete(policy, 'k')
    await unlink.reached
    expect(await a.getOrFill(policy, 'k', origin.load)).toBe(1)
    expect(a.peek(policy, 'k')).toBe(1)
    unlink.release()
    await deleted
    expect(a.peek(policy, 'k')).toBeUndefined()
    expect(await a.getOrFill(policy, 'k', origin.load)).toBe(2)
  })

  it('R5: does not bring back what this process is just invalidating by tag', async () => {
    const { caches, network, server } = setUp(1)
    const [a] = caches as [(typeof caches)[0]]
    const origin = new Origin()
    server.dropPush = true
    await a.getOrFill(tagged, 'k', origin.load)
    const bump = network.hold('request', 'bump', 1)
    origin.version = 2
    const invalidated = a.invalidate({ tags: ['t'] })
    await bump.reached
    expect(await a.getOrFill(tagged, 'k', origin.load)).toBe(1)
    expect(a.peek(tagged, 'k')).toBe(1)
    bump.release()
    await invalidated
    expect(a.peek(tagged, 'k')).toBeUndefined()
    expect(await a.getOrFill(tagged, 'k', origin.load)).toBe(2)
  })

  const ways: Record<string, (cache: Cache) => Promise<{ state: string }>> = {
    'by tag': (cache) => cache.invalidate({ tags: ['t'], whenUnavailable: 'queue' }),
    'by key': (cache) => cache.delete(tagged, 'k', { whenUnavailable: 'queue' }),
    'all of it': (cache) => cache.clear({ whenUnavailable: 'queue' }),
  }

  it.each(Object.entries(ways))('R5: does not bring back what is queued for invalidation: %s', async (way, run) => {
    const { caches, clock, network, server } = setUp(1)
    const [a] = caches as [Cache]
    const origin = new Origin()
    server.dropPush = true
    await a.getOrFill(tagged, 'k', origin.load)
    const request = network.hold('request', way === 'by key' ? 'unlink' : 'bump', 1)
    origin.version = 2
    const queued = run(a)
    await request.reached
    // Nobody has acknowledged anything: the old value may answer, but not stay.
    expect(await a.getOrFill(tagged, 'k', origin.load)).toBe(1)
    expect(a.peek(tagged, 'k')).toBe(1)
    await clock.advance(250)
    expect(await queued).toMatchObject({ state: 'queued' })
    expect(a.peek(tagged, 'k')).toBeUndefined()
    expect(await a.getOrFill(tagged, 'k', origin.load)).toBe(2)
    request.release()
  })

  it.each(Object.entries(ways))('R4: nor keeps it when its reply comes later: %s', async (way, run) => {
    const { caches, clock, network, server } = setUp(2)
    const [a, b] = caches as [Cache, Cache]
    const origin = new Origin()
    await a.get(tagged, 'other')
    await b.getOrFill(tagged, 'k', origin.load)
    server.dropPush = true
    const request = network.hold('request', way === 'by key' ? 'unlink' : 'bump', 1)
    origin.version = 2
    const queued = run(a)
    await request.reached
    await clock.advance(249)
    const reply = network.hold('reply', 'read', 1)
    const early = a.getOrFill(tagged, 'k', origin.load)
    await reply.reached
    await clock.advance(1)
    expect(await queued).toMatchObject({ state: 'queued' })
    reply.release()
    expect(await early).toBe(1)
    expect(a.peek(tagged, 'k')).toBeUndefined()
    expect(await a.getOrFill(tagged, 'k', origin.load)).toBe(2)
    request.release()
  })

  it('join-sent-read: is not joined by a caller who comes after an acknowledged invalidation', async () => {
    const { caches, network } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await a.get(policy, 'other')
    await b.getOrFill(policy, 'k', origin.load)
    const reply = network.hold('reply', 'read', 1)
    const early = a.getOrFill(policy, 'k', origin.load)
    await reply.reached
    origin.version = 2
    await a.delete(policy, 'k')
    expect(await a.getOrFill(policy, 'k', origin.load)).toBe(2)
    reply.release()
    expect(await early).toBe(1)
    expect(a.peek(policy, 'k')).toBe(2)
  })

  it('join-sent-read: is never joined by a strict caller', async () => {
    const { caches, network, server } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await a.get(policy, 'other')
    await b.getOrFill(policy, 'k', origin.load)
    const reply = network.hold('reply', 'read', 1)
    const early = a.getOrFill(policy, 'k', origin.load)
    await reply.reached
    server.dropPush = true
    origin.version = 2
    await b.delete(policy, 'k')
    expect(await a.getOrFill(policy, 'k', origin.load, { consistency: 'strict' })).toBe(2)
    reply.release()
    await early
  })
})

describe('the shared tier', () => {
  it('R8: tells nobody of a delete before it is done', async () => {
    const { caches, clock, network, server } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await a.getOrFill(policy, 'k', origin.load)
    expect(await b.getOrFill(policy, 'k', origin.load)).toBe(1)
    const unlink = network.hold('request', 'unlink', 1)
    const append = network.hold('request', 'append', 1)
    origin.version = 2
    const deleted = a.delete(policy, 'k')
    await unlink.reached
    await clock.settle()
    expect(server.commands.append).toBe(0)
    expect(b.peek(policy, 'k')).toBe(1)
    unlink.release()
    await append.reached
    append.release()
    await deleted
    await clock.settle()
    expect(b.peek(policy, 'k')).toBeUndefined()
    expect(await b.getOrFill(policy, 'k', origin.load)).toBe(2)
  })

  it('R11: revives nothing when it loses the clocks of a namespace', async () => {
    const { caches, server } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await a.getOrFill(tagged, 'k', origin.load)
    origin.version = 2
    await a.invalidate({ tags: ['t'] })
    server.evict('0:', 'controls')
    // A process that never heard of the invalidation.
    expect(await b.getOrFill(tagged, 'k', origin.load)).toBe(2)
    expect(await a.getOrFill(tagged, 'k', origin.load)).toBe(2)
  })

  it('R7: a lost message is made up for within maxStaleness', async () => {
    const { caches, clock, server } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await a.getOrFill(policy, 'k', origin.load)
    expect(await b.getOrFill(policy, 'k', origin.load)).toBe(1)
    server.dropPush = true
    origin.version = 2
    await a.delete(policy, 'k')
    expect(b.peek(policy, 'k')).toBe(1)
    await clock.advance(501)
    expect(await b.getOrFill(policy, 'k', origin.load)).toBe(2)
  })

  it('R7: memory says nothing once it cannot follow the log within maxStaleness', async () => {
    const { caches, clock, server } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await a.getOrFill(policy, 'k', origin.load)
    await b.getOrFill(policy, 'k', origin.load)
    server.dropPush = true
    origin.version = 2
    await a.delete(policy, 'k')
    for (let times = 0; times < 20; times++) server.fail('logSince', new Error('cut'))
    await clock.advance(1_999)
    expect(b.peek(policy, 'k')).toBe(1)
    await clock.advance(2)
    expect(b.peek(policy, 'k')).toBeUndefined()
    expect(await b.getOrFill(policy, 'k', origin.load)).toBe(2)
  })

  it('R7: what a sync proves is as old as its sending', async () => {
    const { caches, clock, server, network } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await a.getOrFill(policy, 'k', origin.load)
    await b.getOrFill(policy, 'k', origin.load)
    server.dropPush = true
    const reply = network.hold('reply', 'logSince', 2)
    await clock.advance(500)
    await reply.reached
    // The sync was executed; what is acknowledged from here on is not in its reply.
    origin.version = 2
    await a.delete(policy, 'k')
    await clock.advance(200)
    reply.release()
    await clock.settle()
    for (let times = 0; times < 20; times++) server.fail('logSince', new Error('cut'))
    expect(b.peek(policy, 'k')).toBe(1)
    await clock.advance(1_801)
    expect(b.peek(policy, 'k')).toBeUndefined()
  })

  it('R9: a trimmed log costs memory its entries, not its honesty', async () => {
    const { caches, clock, server, network } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await a.getOrFill(policy, 'k', origin.load)
    await b.getOrFill(policy, 'k', origin.load)
    server.dropPush = true
    origin.version = 2
    await a.delete(policy, 'k')
    await a.delete(policy, 'another')
    server.trimLog(1)
    // Who deleted would find that its row is gone, and tell of it again: that must not be what helps.
    const own = network.hold('request', 'logSince', 1)
    await clock.advance(501)
    expect(await b.getOrFill(policy, 'k', origin.load)).toBe(2)
    own.release()
  })

  it('R9: a control block that was asked for before the log was taken up anew says too little', async () => {
    const { caches, clock, server, network } = setUp(2)
    const [a, b] = caches as [Cache, Cache]
    const origin = new Origin()
    await b.getOrFill(tagged, 'k', origin.load)
    await a.get(tagged, 'another')
    server.dropPush = true
    server.database('test').logs.length = 0
    await clock.advance(2_001)
    const answer = network.hold('reply', 'control', 1)
    const early = a.get(tagged, 'k', { consistency: 'strict' })
    await answer.reached
    origin.version = 2
    await b.invalidate({ tags: ['t'] })
    // The log is taken up behind the row of the invalidation: no look at it will ever tell of that one.
    expect(a.peek(tagged, 'k')).toBeUndefined()
    await clock.settle()
    answer.release()
    await early
    await clock.advance(2_001)
    expect(await a.getOrFill(tagged, 'k', origin.load)).toBe(2)
  })

  it('R7: a process that slept asks for the clocks before it trusts what it reads', async () => {
    const { caches, clock, server } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await b.get(tagged, 'another')
    await a.getOrFill(tagged, 'k', origin.load)
    server.dropPush = true
    await clock.advance(10_000)
    origin.version = 2
    await a.invalidate({ tags: ['t'] })
    await clock.advance(2_001)
    expect(await b.getOrFill(tagged, 'k', origin.load)).toBe(2)
  })

  it('a receipt makes another process at least as new, at once', async () => {
    const { caches, server } = setUp(2)
    const [a, b] = caches as [(typeof caches)[0], (typeof caches)[0]]
    const origin = new Origin()
    await a.getOrFill(policy, 'k', origin.load)
    await b.getOrFill(policy, 'k', origin.load)
    server.dropPush = true
    origin.version = 2
    const receipt = await a.delete(policy, 'k')
    expect(await b.getOrFill(policy, 'k', origin.load)).toBe(1)
    expect(await b.getOrFill(policy, 'k', origin.load, { after: receipt.token })).toBe(2)
  })
})
