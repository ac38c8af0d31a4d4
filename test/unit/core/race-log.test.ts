import { describe, expect, it } from 'vitest'
import { policy, revalidated, setUp, tagged } from '../../kit/racing-caches.js'
import { deferred, Origin } from '../../kit/twin-caches.js'

/** Both have the value in memory, and no message reaches anybody any more. */
async function heldByBoth() {
  const caches = setUp(2)
  const origin = new Origin()
  for (const cache of [caches.a, caches.b]) expect(await cache.getOrFill(policy, 'k', origin.load)).toBe(1)
  caches.server.dropPush = true
  return { ...caches, origin }
}

/**
 * `b` has filled a value, which is `ageMs` old, and invalidated its tag. `a` has heard nothing of that, and cannot follow
 * the log for so long that the bound is about to end.
 */
async function almostLapsed(of: typeof tagged, ageMs = 0) {
  const caches = setUp(2)
  const { a, b, clock, server } = caches
  const origin = new Origin()
  await a.getOrFill(of, 'another', () => 0)
  await b.getOrFill(of, 'k', origin.load)
  await clock.advance(ageMs)
  // Memory holds it: the log is looked at before it answers.
  await a.getOrFill(of, 'another', () => 0)
  server.dropPush = true
  await clock.advance(1)
  origin.version = 2
  await b.invalidate({ tags: ['t'] })
  for (let times = 0; times < 20; times++) server.fail('logSince', new Error('cut'))
  await clock.advance(1_990)
  return { ...caches, origin }
}

describe('the shared tier', () => {
  it('R8: tells nobody of a delete before it is done', async () => {
    const { a, b, clock, network, server } = setUp(2)
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
    const { a, b, server } = setUp(2)
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
    const { a, b, clock, origin } = await heldByBoth()
    origin.version = 2
    await a.delete(policy, 'k')
    expect(b.peek(policy, 'k')).toBe(1)
    await clock.advance(501)
    expect(await b.getOrFill(policy, 'k', origin.load)).toBe(2)
  })

  it('R7: memory says nothing once it cannot follow the log within maxStaleness', async () => {
    const { a, b, clock, server, origin } = await heldByBoth()
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
    const { a, b, clock, server, network, origin } = await heldByBoth()
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

  it.each([
    ['a read', 'getOrFill'],
    ['a read of several', 'getOrFillMany'],
  ] as const)('R7: who joins %s is given nothing that is older than its own bound allows', async (_, call) => {
    const { a, clock, network, origin } = await almostLapsed(tagged)
    const read = async (): Promise<unknown> =>
      call === 'getOrFill'
        ? a.getOrFill(tagged, 'k', origin.load)
        : (await a.getOrFillMany(tagged, ['k'], (keys) => keys.map((key) => [key, origin.version] as const))).get('k')
    const reply = network.hold('reply', 'read', 1)
    const early = read()
    await reply.reached
    await clock.advance(20)
    const later = read()
    reply.release()
    expect(await early).toBe(1)
    expect(await later).toBe(2)
  })

  it('R7: nor by the stale value that answered who came first', async () => {
    const { a, clock, origin } = await almostLapsed(revalidated, 61_000)
    const filled = deferred<number>()
    expect(await a.getOrFill(revalidated, 'k', () => filled.promise)).toBe(1)
    await clock.advance(20)
    const later = a.getOrFill(revalidated, 'k', () => filled.promise)
    await clock.settle()
    filled.resolve(origin.version)
    expect(await later).toBe(2)
  })

  it('R7: nor is who follows the fill of another process, which began before its bound', async () => {
    const { a, b, clock, server } = setUp(2)
    await a.getOrFill(tagged, 'another', () => 0)
    await b.getOrFill(tagged, 'another', () => 0)
    server.dropPush = true
    const loaded = deferred<number>()
    const led = b.getOrFill(tagged, 'k', () => loaded.promise)
    await clock.settle()
    await b.invalidate({ tags: ['t'] })
    for (let times = 0; times < 200; times++) server.fail('logSince', new Error('cut'))
    await clock.advance(2_001)
    const followed = a.getOrFill(tagged, 'k', () => 2)
    await clock.advance(1)
    loaded.resolve(1)
    await clock.advance(3_000)
    expect([await led, await followed]).toEqual([1, 2])
  })

  it('R9: a trimmed log costs memory its entries, not its honesty', async () => {
    const { a, b, clock, server, network, origin } = await heldByBoth()
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
    const { a, b, clock, server, network } = setUp(2)
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
    const { a, b, clock, server } = setUp(2)
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
    const { a, b, origin } = await heldByBoth()
    origin.version = 2
    const receipt = await a.delete(policy, 'k')
    expect(await b.getOrFill(policy, 'k', origin.load)).toBe(1)
    expect(await b.getOrFill(policy, 'k', origin.load, { after: receipt.token })).toBe(2)
  })
})
