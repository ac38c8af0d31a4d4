import { describe, expect, it } from 'vitest'
import { createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { fakeClock, seededRandom } from '../../../src/testing/index.js'
import { policy, setUp, tagged } from '../../kit/racing-caches.js'
import { deferred, Origin } from '../../kit/twin-caches.js'

describe('a fill that began before an invalidation', () => {
  it('R1, B22: is refused by the shared tier, and reaches its own callers only', async () => {
    const { a, b, clock } = setUp(2)
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
    const { a, b, clock } = setUp(2)
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
    const { a, clock } = setUp(1)
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
    const { a, clock } = setUp(1)
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
    const { a, b, clock } = setUp(2)
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
    const { a, b, clock } = setUp(2)
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

describe('a stale value that memory held when a read began', () => {
  const row = definePolicy({ name: 'row', ttl: '1s', jitter: 0, stale: { ifError: '1h' } })

  /** A read of a stale value goes on for so many turns of the microtask queue; then its key is deleted. */
  async function afterDelete(turns: number): Promise<unknown> {
    const clock = fakeClock()
    const cache = createCache({ tiers: [memoryTier()], clock, random: seededRandom(1) })
    await cache.set(row, 'k', 'old')
    await clock.advance(2_000)
    const fill = deferred<string>()
    const early = cache.getOrFill(row, 'k', () => fill.promise).catch(() => {})
    for (let left = turns; left > 0; left--) await undefined
    await cache.delete(row, 'k')
    const late = cache.getOrFill(row, 'k', () => fill.promise).catch(() => 'no value')
    await clock.settle()
    fill.reject(new Error('the origin is down'))
    await early
    await cache.close()
    return late
  }

  it('R6: stands in for no failed fill that is joined after its key was deleted', async () => {
    for (let turns = 0; turns < 12; turns++) expect(await afterDelete(turns), `${turns} turns`).toBe('no value')
  })
})
