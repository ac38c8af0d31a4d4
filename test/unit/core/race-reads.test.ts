import { describe, expect, it } from 'vitest'
import type { Cache } from '../../../src/index.js'
import { policy, setUp, tagged } from '../../kit/racing-caches.js'
import { Origin } from '../../kit/twin-caches.js'

/** `a` reads what `b` has filled, and the reply is on its way when the origin changes. */
async function readUnderWay(read?: (a: Cache) => Promise<unknown>) {
  const caches = setUp(2)
  const { a, b, network } = caches
  const origin = new Origin()
  await a.get(policy, 'other')
  await b.getOrFill(policy, 'k', origin.load)
  const reply = network.hold('reply', 'read', 1)
  const early = read ? read(a) : a.getOrFill(policy, 'k', origin.load)
  await reply.reached
  origin.version = 2
  return { ...caches, origin, reply, early }
}

describe('a read under way', () => {
  it('R4: does not put into memory what an event declared old before its reply came', async () => {
    const { a, b, clock, origin, reply, early } = await readUnderWay()
    await b.delete(policy, 'k')
    await clock.settle()
    reply.release()
    expect(await early).toBe(1)
    expect(a.peek(policy, 'k')).toBeUndefined()
    expect(await a.getOrFill(policy, 'k', origin.load)).toBe(2)
  })

  it('disk-read-unregistered: a read without a fill is watched for events like any other', async () => {
    const { a, b, clock, reply, early } = await readUnderWay((cache) => cache.get(policy, 'k'))
    await b.delete(policy, 'k')
    await clock.settle()
    reply.release()
    expect(await early).toBe(1)
    expect(a.peek(policy, 'k')).toBeUndefined()
  })

  it('R5: does not bring back what this process is just deleting', async () => {
    const { a, network, server } = setUp(1)
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
    const { a, network, server } = setUp(1)
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
    const { a, clock, network, server } = setUp(1)
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
    const { a, b, clock, network, server } = setUp(2)
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
    const { a, origin, reply, early } = await readUnderWay()
    await a.delete(policy, 'k')
    expect(await a.getOrFill(policy, 'k', origin.load)).toBe(2)
    reply.release()
    expect(await early).toBe(1)
    expect(a.peek(policy, 'k')).toBe(2)
  })

  it('join-sent-read: is never joined by a strict caller', async () => {
    const { a, b, server, origin, reply, early } = await readUnderWay()
    server.dropPush = true
    await b.delete(policy, 'k')
    expect(await a.getOrFill(policy, 'k', origin.load, { consistency: 'strict' })).toBe(2)
    reply.release()
    await early
  })
})
