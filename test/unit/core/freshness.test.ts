import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, type Policy, type PolicyOptions } from '../../../src/index.js'
import { type FakeClock, fakeClock, seededRandom } from '../../../src/testing/index.js'
import { deferred } from '../../kit/twin-caches.js'

let clock: FakeClock
let cache: Cache
let version: number
let names = 0

beforeEach(() => {
  clock = fakeClock()
  cache = createCache({ clock, random: seededRandom(1) })
  version = 1
})

afterEach(async () => {
  const closed = cache.close({ graceMs: 0 })
  await clock.advance(0)
  await closed
  expect(clock.pendingTimers).toBe(0)
})

function policy(rules: Partial<PolicyOptions> & { tags?: (key: string | number) => string[] }) {
  return definePolicy({ name: `p${++names}`, ttl: '60s', jitter: 0, ...rules })
}
const load = () => version
const fail = (): never => {
  throw new Error('down')
}

describe('a value', () => {
  it('S2-14, S2-44: of 60 s is fresh at 59,999 ms and filled anew at 60,000 ms', async () => {
    const row = policy({})
    await cache.getOrFill(row, 'k', load)
    version = 2
    await clock.advance(59_999)
    expect([cache.peek(row, 'k'), await cache.getOrFill(row, 'k', load)]).toEqual([1, 1])
    await clock.advance(1)
    expect([cache.peek(row, 'k'), await cache.getOrFill(row, 'k', load)]).toEqual([undefined, 2])
  })

  it('lives within its jitter of the ttl, whatever the dice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 0.5, noNaN: true }), fc.nat(), async (jitter, seed) => {
        const own = createCache({ clock, random: seededRandom(seed) })
        const row = definePolicy({ name: 'row', ttl: '60s', jitter })
        const { ttlMs } = (await own.getOrFillEntry(row, 'k', load)) as { ttlMs: number }
        await own.close()
        expect(Math.abs(ttlMs - 60_000)).toBeLessThanOrEqual(60_000 * jitter + 1)
      }),
      { numRuns: 200, seed: 1 },
    )
  })

  it('with jitter does not expire at one moment for all keys', async () => {
    const row = policy({ jitter: 0.05 })
    const entries = await Promise.all([1, 2, 3, 4, 5].map((key) => cache.getOrFillEntry(row, key, load)))
    expect(new Set(entries.map((entry) => 'ttlMs' in entry && entry.ttlMs)).size).toBe(5)
  })

  it('tells its age and the fresh life that is left', async () => {
    const row = policy({ stale: { ifError: '1h' }, tags: () => ['t'] })
    await cache.getOrFill(row, 'k', load)
    await clock.advance(45_000)
    const details = { source: 'memory', ageMs: 45_000, ttlMs: 15_000, tags: ['t'] }
    expect(await cache.getEntry(row, 'k')).toMatchObject({ state: 'fresh', value: 1, ...details })
    await clock.advance(30_000)
    expect(await cache.getEntry(row, 'k')).toMatchObject({ state: 'stale', value: 1, ageMs: 75_000, ttlMs: -15_000 })
  })

  it('that its fill said more about lives and is tagged as it said', async () => {
    const row = policy({ tags: () => ['own'] })
    const fill = (ctx: { value: (value: number, details: object) => unknown }) =>
      ctx.value(version, { ttl: '5s', tags: ['more', 'own'] })
    const entry = await cache.getOrFillEntry(row, 'k', fill as never, { tags: ['call'] })
    expect(entry).toMatchObject({ ttlMs: 5_000, tags: ['own', 'more', 'call'] })
    for (const tag of ['own', 'more', 'call']) {
      await cache.getOrFill(row, 'k', fill as never, { tags: ['call'] })
      await cache.invalidate({ tags: [tag] })
      expect(cache.peek(row, 'k')).toBeUndefined()
    }
  })

  it('keeps its tags when the caller changes the array afterwards', async () => {
    const tags = ['a']
    const row = policy({ tags: () => tags })
    await cache.set(row, 'k', 1)
    tags[0] = 'b'
    await cache.invalidate({ tags: ['a'] })
    expect(cache.peek(row, 'k')).toBeUndefined()
  })
})

describe('nothing is stored', () => {
  it.each<[what: string, rules: Partial<PolicyOptions>, fill: (ctx: never) => unknown, answer: unknown]>([
    ['of undefined', {}, () => undefined, undefined],
    ['of a policy with ttl 0s', { ttl: '0s' }, () => 1, 1],
    ['of a fill that says ttl 0s', {}, (ctx: { value: CallableFunction }) => ctx.value(1, { ttl: '0s' }) as unknown, 1],
    ['of null with negativeTtl 0s', { negativeTtl: '0s' }, () => null, null],
  ])('%s, each call fills', async (_what, rules, fill, answer) => {
    const row = policy(rules)
    expect(await cache.getOrFill(row, 'k', fill as never)).toBe(answer)
    expect(await cache.getOrFill(row, 'k', fill as never)).toBe(answer)
    expect([cache.stats().fills, cache.stats().notStored, cache.stats().tiers.memory?.entries]).toEqual([2, 2, 0])
  })

  it.each<[what: string, set: (row: Policy<string>) => Promise<unknown>]>([
    ['of undefined', (row) => cache.set(row, 'k', undefined)],
    ['of undefined among others', (row) => cache.setMany(row, [['k', undefined]])],
    ['of 0s', (row) => cache.set(row, 'k', 2, { ttl: '0s' })],
  ])('by a set %s, and what was there is gone', async (_what, set) => {
    const row = definePolicy<unknown, string>({ name: `p${++names}`, ttl: '60s', stale: { ifError: '1h' } })
    await cache.set(row, 'k', 1)
    await set(row)
    expect(await cache.getEntry(row, 'k')).toEqual({ state: 'missing' })
  })
})

describe('a negative', () => {
  it('S1-26: a miss, a cached nothing and an error are three things', async () => {
    const row = policy({})
    expect(await cache.getEntry(row, 'k')).toEqual({ state: 'missing' })
    await cache.getOrFill(row, 'k', () => null)
    expect(await cache.getEntry(row, 'k')).toMatchObject({ state: 'negative', value: null })
    expect([await cache.get(row, 'k'), cache.peek(row, 'k')]).toEqual([null, null])
    await expect(cache.getOrFill(row, 'other', fail)).rejects.toThrow('down')
    expect(await cache.getEntry(row, 'other')).toEqual({ state: 'missing' })
  })

  it('B7: is answered without another fill, for as long as negativeTtl says', async () => {
    const row = policy({ negativeTtl: '10s' })
    await cache.getOrFill(row, 'k', () => null)
    await clock.advance(9_999)
    expect(await cache.getOrFill(row, 'k', load)).toBeNull()
    await clock.advance(1)
    expect(await cache.getOrFill(row, 'k', load)).toBe(1)
  })
})

describe('while one fill revalidates', () => {
  const rules = { stale: { whileRevalidate: '30s' } } as const

  it('all callers get the stale value at once, until the window is over', async () => {
    const row = policy(rules)
    const loaded = deferred<number>()
    await cache.getOrFill(row, 'k', load)
    await clock.advance(60_000)
    let fills = 0
    const slow = () => {
      fills++
      return loaded.promise
    }
    for (let n = 0; n < 5; n++) expect(await cache.getOrFill(row, 'k', slow)).toBe(1)
    await clock.advance(29_999)
    expect(await cache.getOrFill(row, 'k', slow)).toBe(1)
    await clock.advance(0)
    expect(fills).toBe(1)
    loaded.resolve(2)
    await clock.settle()
    expect(cache.peek(row, 'k')).toBe(2)
  })

  it('who comes after the window waits for that fill', async () => {
    const row = policy({ ...rules, fillTimeout: { hard: '5m' } })
    const loaded = deferred<number>()
    await cache.getOrFill(row, 'k', load)
    await clock.advance(60_000)
    expect(await cache.getOrFill(row, 'k', () => loaded.promise)).toBe(1)
    await clock.advance(30_000)
    const late = cache.getOrFill(row, 'k', () => 9)
    await clock.settle()
    loaded.resolve(2)
    expect(await late).toBe(2)
  })

  it('a failing fill leaves the stale value for its window, and the next caller tries again', async () => {
    const row = policy(rules)
    await cache.getOrFill(row, 'k', load)
    await clock.advance(60_000)
    expect(await cache.getOrFill(row, 'k', fail)).toBe(1)
    await clock.settle()
    expect(await cache.getOrFill(row, 'k', () => 2)).toBe(1)
    await clock.settle()
    expect(await cache.getOrFill(row, 'k', fail)).toBe(2)
  })

  it('get never gives a stale value, getEntry says that it is one', async () => {
    const row = policy(rules)
    await cache.getOrFill(row, 'k', load)
    await clock.advance(60_000)
    expect(await cache.get(row, 'k')).toBeUndefined()
    expect(cache.peek(row, 'k')).toBeUndefined()
    expect(await cache.getEntry(row, 'k')).toMatchObject({ state: 'stale', value: 1 })
  })

  it('a batch gets stale values at once, and its one fill brings the new ones', async () => {
    const row = policy(rules)
    await cache.getOrFill(row, 'old', load)
    await clock.advance(60_000)
    await cache.getOrFill(row, 'new', load)
    const asked: unknown[] = []
    const fillMany = (keys: (string | number)[]) => {
      asked.push(keys)
      return keys.map((key) => [key, 2] as const)
    }
    const many = await cache.getOrFillMany(row, ['old', 'new', 'none'], fillMany)
    expect(many).toEqual(
      new Map([
        ['old', 1],
        ['new', 1],
        ['none', 2],
      ]),
    )
    await clock.settle()
    expect(asked).toEqual([['old', 'none']])
    expect(cache.peek(row, 'old')).toBe(2)
  })
})
