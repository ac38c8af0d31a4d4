import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, definePolicy } from '../../../src/index.js'
import { type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

/** A1, A9: a replica was promoted before it had everything. What survivors know to be lost is said again. */
const row = definePolicy({ name: 'row', ttl: '1h', jitter: 0, tags: () => ['t'] })
const strict = { consistency: 'strict' } as const

let open: TwinCaches | undefined

async function setUp(): Promise<TwinCaches & { a: Cache; b: Cache }> {
  open = twinCaches(2)
  const [a, b] = open.caches
  await a!.getOrFill(row, 'k', () => 'old')
  await a!.getOrFill(row, 'l', () => 'old')
  await b!.get(row, 'k')
  return { ...open, a: a!, b: b! }
}

afterEach(async () => {
  await open?.close()
  expect(open?.clock.pendingTimers).toBe(0)
  open = undefined
})

describe('after a failover that lost an acknowledged invalidation', () => {
  it.each(['delete', 'tag', 'clear'] as const)('survivors do not serve again what it removed: %s', async (way) => {
    const { a, b, clock, server } = await setUp()
    const failOver = server.replica()
    await clock.advance(10)
    if (way === 'delete') await a.delete(row, 'k')
    else if (way === 'tag') await a.invalidate({ tags: ['t'] })
    else await a.clear()
    failOver()
    await clock.advance(600)
    for (const cache of [a, b]) {
      expect(await cache.getOrFill(row, 'k', () => 'new')).toBe('new')
      expect(await cache.getOrFill(row, 'k', () => 'newer', strict)).toBe('new')
    }
  })

  it('one of them ends the epoch, so that no clock is given out twice', async () => {
    const { a, b, clock, server } = await setUp()
    const failOver = server.replica()
    await clock.advance(10)
    const before = server.database('test').controls.get('0:')!.epoch
    await a.invalidate({ tags: ['t'] })
    failOver()
    await clock.advance(600)
    await clock.settle()
    const after = server.database('test').controls.get('0:')!.epoch
    expect(after).not.toBe(before)
    await clock.advance(3_000)
    await Promise.all([a.get(row, 'l', strict), b.get(row, 'l', strict)])
    expect(server.database('test').controls.get('0:')!.epoch).toBe(after)
    expect(server.commands.endEpoch).toBeLessThanOrEqual(2)
  })

  it('survivors see it though somebody has written to the log since', async () => {
    const { a, b, clock, server } = await setUp()
    const failOver = server.replica()
    await clock.advance(10)
    await a.invalidate({ tags: ['t'] })
    // It has read that row.
    await a.get(row, 'else')
    await clock.advance(600)
    failOver()
    await b.delete(row, 'l')
    await a.get(row, 'else')
    await clock.advance(600)
    expect(await a.getOrFill(row, 'k', () => 'new')).toBe('new')
    expect(await b.getOrFill(row, 'k', () => 'newer', strict)).toBe('new')
  })

  it('so does who has written to it himself', async () => {
    const { a, b, clock, server } = await setUp()
    const failOver = server.replica()
    await clock.advance(10)
    server.dropPush = true
    await a.invalidate({ tags: ['t'] })
    failOver()
    await clock.advance(5)
    await a.delete(row, 'l')
    await a.get(row, 'else')
    await clock.advance(600)
    expect(await b.getOrFill(row, 'k', () => 'new', strict)).toBe('new')
  })

  it('nothing is read from the shared tier before that was said', async () => {
    const { a, clock, server } = await setUp()
    const failOver = server.replica()
    await clock.advance(10)
    await a.delete(row, 'k')
    failOver()
    for (let left = 3; left > 0; left--) server.fail('endEpoch', new Error('cut'))
    await clock.advance(600)
    expect(await a.getOrFill(row, 'k', () => 'new')).toBe('new')
    expect(a.stats().queuedInvalidations).toBeGreaterThan(0)
    await clock.advance(5_000)
    expect(a.stats().queuedInvalidations).toBe(0)
  })
})

describe('a log that was trimmed or lost', () => {
  it.each(['trimmed', 'lost'] as const)('costs memory, and no epoch: %s', async (how) => {
    const { a, b, clock, server } = await setUp()
    await clock.advance(10)
    await b.delete(row, 'k')
    await b.delete(row, 'k')
    if (how === 'trimmed') server.trimLog(1)
    else server.database('test').logs.length = 0
    await clock.advance(600)
    await clock.settle()
    expect([await a.get(row, 'l'), server.commands.endEpoch]).toEqual(['old', 0])
  })
})
