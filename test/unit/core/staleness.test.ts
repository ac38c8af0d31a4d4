import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy } from '../../../src/index.js'
import { type FakeClock, fakeClock, seededRandom } from '../../../src/testing/index.js'
import { deferred } from '../../kit/twin-caches.js'

/** Values past their fresh life that stand in for an error or a slow fill, and what an invalidation leaves of them. */
const covered = definePolicy({ name: 'covered', ttl: '60s', jitter: 0, stale: { ifError: '1h' }, tags: () => ['t'] })
const revalidated = definePolicy({
  name: 'revalidated',
  ttl: '60s',
  jitter: 0,
  stale: { whileRevalidate: '30s', ifError: '1h' },
  tags: () => ['t'],
})
const impatient = definePolicy({
  name: 'impatient',
  ttl: '60s',
  jitter: 0,
  stale: { ifError: '1h' },
  fillTimeout: { soft: '100ms', hard: '10s' },
})

let clock: FakeClock
let cache: Cache

beforeEach(() => {
  clock = fakeClock()
  cache = createCache({ clock, random: seededRandom(1) })
})

afterEach(async () => {
  const closed = cache.close({ graceMs: 0 })
  await clock.advance(0)
  await closed
  expect(clock.pendingTimers).toBe(0)
})

const fail = (): never => {
  throw new Error('down')
}

describe('if the fill fails', () => {
  it('the stale value is served until the window is over, to the millisecond', async () => {
    await cache.set(covered, 'k', 1)
    await clock.advance(60_000 + 3_599_999)
    expect(await cache.getOrFill(covered, 'k', fail)).toBe(1)
    await clock.advance(1)
    await expect(cache.getOrFill(covered, 'k', fail)).rejects.toThrow('down')
  })

  it('what may only stand in for an error is not served at once, to the millisecond', async () => {
    await cache.set(revalidated, 'k', 1)
    await clock.advance(89_999)
    expect(await cache.getOrFill(revalidated, 'k', fail)).toBe(1)
    await clock.advance(1)
    expect(await cache.getOrFill(revalidated, 'k', () => 2)).toBe(2)
  })

  it('who waits gets it after the one fill failed, and the fill is told of it', async () => {
    await cache.set(covered, 'k', 1)
    await clock.advance(60_000)
    let seen: unknown
    const answers = await Promise.all(
      Array.from({ length: 5 }, () =>
        cache.getOrFill(covered, 'k', (ctx) => {
          seen = ctx.stale
          return fail()
        }),
      ),
    )
    expect([answers, seen, cache.stats().fills]).toEqual([[1, 1, 1, 1, 1], 1, 1])
  })

  it('a hard timeout counts as a failure', async () => {
    await cache.set(impatient, 'k', 1)
    await clock.advance(60_000)
    const answer = cache.getOrFill(impatient, 'k', () => new Promise<never>(() => {}))
    await clock.advance(10_000)
    expect(await answer).toBe(1)
  })

  it('a stale value is not served in place of a value that the fill did bring: undefined is one', async () => {
    await cache.set(covered, 'k', 1)
    await clock.advance(60_000)
    expect(await cache.getOrFill(covered, 'k', () => undefined)).toBeUndefined()
  })
})

describe('after the soft timeout', () => {
  it('the stale value is served, and the fill brings the new one in the background', async () => {
    const loaded = deferred<number>()
    await cache.set(impatient, 'k', 1)
    await clock.advance(60_000)
    const answer = cache.getOrFill(impatient, 'k', () => loaded.promise)
    await clock.advance(99)
    loaded.promise.catch(() => {})
    let settled = false
    void answer.finally(() => {
      settled = true
    })
    await clock.settle()
    expect(settled).toBe(false)
    await clock.advance(1)
    expect(await answer).toBe(1)
    expect(await cache.getOrFill(impatient, 'k', fail)).toBe(1)
    loaded.resolve(2)
    await clock.settle()
    expect(cache.peek(impatient, 'k')).toBe(2)
  })

  it('a batch is answered with its stale values too', async () => {
    await cache.set(impatient, 'k', 1)
    await clock.advance(60_000)
    const many = cache.getOrFillMany(impatient, ['k'], () => new Promise<never>(() => {}))
    await clock.advance(100)
    expect(await many).toEqual(new Map([['k', 1]]))
  })

  it('a caller with nothing stale at hand waits', async () => {
    const loaded = deferred<number>()
    const answer = cache.getOrFill(impatient, 'k', () => loaded.promise)
    await clock.advance(5_000)
    loaded.resolve(2)
    expect(await answer).toBe(2)
  })
})

describe('what was invalidated', () => {
  const ways: Record<string, () => Promise<unknown>> = {
    'by key': () => cache.delete(revalidated, 'k'),
    'by tag': () => cache.invalidate({ tags: ['t'] }),
    'by entry': () => cache.invalidate({ entries: [[revalidated, 'k']] }),
    'by clear': () => cache.clear(),
  }

  it.each(Object.entries(ways))(
    '%s is never served as stale, neither at once nor for an error',
    async (_way, invalidate) => {
      await cache.set(revalidated, 'k', 1)
      await clock.advance(61_000)
      await invalidate()
      expect(await cache.getEntry(revalidated, 'k')).toEqual({ state: 'missing' })
      await expect(cache.getOrFill(revalidated, 'k', fail)).rejects.toThrow('down')
    },
  )

  it.each(Object.entries(ways))(
    '%s while a fill was under way does not stand in when that fill fails',
    async (_way, invalidate) => {
      const loaded = deferred<number>()
      await cache.set(revalidated, 'k', 1)
      await clock.advance(91_000)
      const early = cache.getOrFill(revalidated, 'k', () => loaded.promise)
      const outcome = expect(early).rejects.toThrow('down')
      await clock.settle()
      await invalidate()
      loaded.reject(new Error('down'))
      await outcome
    },
  )

  it.each(Object.entries(ways))(
    '%s while a refresh ran in the background is not brought back by it',
    async (_way, invalidate) => {
      const loaded = deferred<number>()
      await cache.set(revalidated, 'k', 1)
      await clock.advance(61_000)
      expect(await cache.getOrFill(revalidated, 'k', () => loaded.promise)).toBe(1)
      await invalidate()
      const late = cache.getOrFill(revalidated, 'k', () => 3)
      loaded.resolve(2)
      expect(await late).toBe(3)
      expect(cache.peek(revalidated, 'k')).toBe(3)
    },
  )
})

describe('what was softly invalidated', () => {
  const ways: Record<string, () => Promise<unknown>> = {
    'by tag': () => cache.invalidate({ tags: ['t'], soft: true }),
    'by entry': () =>
      cache.invalidate({
        entries: [
          [revalidated, 'k'],
          [covered, 'k'],
        ],
        soft: true,
      }),
  }

  it.each(Object.entries(ways))(
    '%s is stale: served at once while one fill brings the new value',
    async (_way, invalidate) => {
      await cache.set(revalidated, 'k', 1)
      await invalidate()
      expect(await cache.get(revalidated, 'k')).toBeUndefined()
      expect(await cache.getOrFill(revalidated, 'k', () => 2)).toBe(1)
      await clock.settle()
      expect(cache.peek(revalidated, 'k')).toBe(2)
    },
  )

  it.each(Object.entries(ways))('%s stands in for an error', async (_way, invalidate) => {
    await cache.set(covered, 'k', 1)
    await invalidate()
    expect(await cache.getOrFill(covered, 'k', fail)).toBe(1)
    expect(await cache.getOrFill(covered, 'k', () => 2)).toBe(2)
  })

  it('by key leaves when its policy keeps nothing stale', async () => {
    const plain = definePolicy({ name: 'plain', ttl: '60s' })
    await cache.set(plain, 'k', 1)
    await cache.invalidate({ entries: [[plain, 'k']], soft: true })
    expect(await cache.getEntry(plain, 'k')).toEqual({ state: 'missing' })
  })

  it.each(Object.entries(ways))(
    '%s while a fill was under way is not overwritten by the older value of that fill',
    async (_way, invalidate) => {
      const loaded = deferred<number>()
      await cache.set(covered, 'k', 1)
      await clock.advance(60_000)
      const early = cache.getOrFill(covered, 'k', () => loaded.promise)
      await clock.settle()
      await invalidate()
      loaded.resolve(2)
      expect(await early).toBe(2)
      expect(cache.peek(covered, 'k')).toBeUndefined()
    },
  )
})
