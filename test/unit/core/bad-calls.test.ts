import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, CacheError, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'

const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0, tags: () => ['all'] })
const fill = () => 'filled'
const clock = fakeClock()
const random = seededRandom(1)

let cache: Cache

beforeEach(async () => {
  const server = createTwinServer({ clock, random })
  cache = createCache({
    tiers: [memoryTier(), sharedTier({ server, maxEntryBytes: 1_000 })],
    ttl: '60s',
    clock,
    random,
  })
  await cache.set(row, 'k', 'before')
})

/** Whatever a call was refused for, what was there is still there. */
afterEach(async () => {
  expect(await cache.get(row, 'k')).toBe('before')
  await cache.close()
})

async function errorOf(call: () => unknown): Promise<CacheError> {
  try {
    await call()
  } catch (error) {
    expect(CacheError.is(error), String(error)).toBe(true)
    return error as CacheError
  }
  throw new Error('it was accepted')
}

const badKeys: unknown[] = [
  undefined,
  null,
  true,
  1.5,
  Number.NaN,
  Infinity,
  2 ** 53,
  1n,
  {},
  [],
  Symbol('k'),
  'k'.repeat(8193),
]

describe('a key that is no key', () => {
  const calls: Record<string, (key: never) => unknown> = {
    getOrFill: (key) => cache.getOrFill(row, key, fill),
    getOrFillEntry: (key) => cache.getOrFillEntry(row, key, fill),
    getOrFillMany: (key) => cache.getOrFillMany(row, ['k', key], () => new Map()),
    get: (key) => cache.get(row, key),
    getEntry: (key) => cache.getEntry(row, key),
    getMany: (key) => cache.getMany(row, ['k', key]),
    peek: (key) => cache.peek(row, key),
    set: (key) => cache.set(row, key, 'after'),
    setMany: (key) =>
      cache.setMany(row, [
        ['k', 'after'],
        [key, 'after'],
      ]),
    delete: (key) => cache.delete(row, key),
    deleteMany: (key) => cache.deleteMany(row, ['k', key]),
    invalidate: (key) =>
      cache.invalidate({
        tags: ['all'],
        entries: [
          [row, 'k'],
          [row, key],
        ],
      }),
    'get of the default policy': (key) => cache.get(key),
  }
  it.each(Object.entries(calls))('is refused by %s', async (name, call) => {
    for (const key of badKeys) {
      // Without a policy an object or null is taken for one.
      if (name.startsWith('get of') && typeof key === 'object') continue
      const error = await errorOf(() => call(key as never))
      expect(error.code).toBe('INVALID_KEY')
      expect(error.message).toMatch(/^key must be text of at most 8192 characters, or a safe integer; got /)
    }
  })

  it('of 8192 characters, or empty, is one', async () => {
    for (const key of ['k'.repeat(8192), '', '\0', '\ud800']) {
      await cache.set(row, key, key.length)
      expect(await cache.get(row, key)).toBe(key.length)
    }
  })
})

describe('a batch', () => {
  it.each(['kk', 5, null, undefined, {}])('of %s is refused', async (keys) => {
    for (const call of [
      () => cache.getMany(row, keys as never),
      () => cache.getOrFillMany(row, keys as never, () => []),
      () => cache.deleteMany(row, keys as never),
    ]) {
      expect((await errorOf(call)).message).toMatch(/^keys must be an array or another iterable; got /)
    }
    expect((await errorOf(() => cache.setMany(row, keys as never))).message).toMatch(/^entries must be/)
  })

  it('with something else than pairs is refused', async () => {
    const error = await errorOf(() => cache.setMany(row, [['k', 1], 'kv'] as never))
    expect(error.message).toMatch(/^entries\[1\] must be a pair: an array of two; got 'kv'/)
  })
})

describe('a policy', () => {
  it.each([null, {}, { rules: {} }, { name: 'row', ttl: '60s' }])('that is none (%s) is refused', async (policy) => {
    expect((await errorOf(() => cache.get(policy as never, 'k'))).message).toMatch(
      /^policy must be made by definePolicy/,
    )
  })

  const named: Record<string, (policy: never) => unknown> = {
    getOrFillMany: (policy) => cache.getOrFillMany(policy, ['k'], () => []),
    getMany: (policy) => cache.getMany(policy, ['k']),
    setMany: (policy) => cache.setMany(policy, [['k', 'after'] as never]),
    deleteMany: (policy) => cache.deleteMany(policy, ['k']),
    invalidate: (policy) => cache.invalidate({ entries: [[policy, 'k']] }),
    invalidatePattern: (policy) => cache.invalidatePattern(policy, '*'),
    refresh: (policy) => cache.refresh(policy, 'k' as never),
    bind: (policy) => cache.bind(policy),
    syncView: (policy) => cache.syncView(policy),
    warm: (policy) => cache.warm(policy, []),
  }
  it.each(Object.entries(named))('by its name is refused by %s, not taken for the default policy', async (_, call) => {
    expect((await errorOf(() => call('row' as never))).message).toMatch(
      /^policy must be made by definePolicy; got 'row'/,
    )
  })

  it('is asked for where the cache has no default, with what to do', async () => {
    const bare = createCache({ clock, random })
    expect((await errorOf(() => bare.get('k'))).message).toMatch(/is required.*createCache\(\{ ttl: '60s' \}\)/)
    await bare.close()
  })

  it('without a fill needs one at the call', async () => {
    expect((await errorOf(() => cache.getOrFill(row as never, 'missing' as never))).code).toBe('FILL_MISSING')
    expect((await errorOf(() => cache.refresh(row as never, 'k' as never))).code).toBe('FILL_MISSING')
  })

  it('with a fill that is no function is refused', async () => {
    expect((await errorOf(() => cache.getOrFill(row, 'missing', 'x' as never, {}))).message).toMatch(/^fill must be/)
    expect((await errorOf(() => cache.getOrFillMany(row, ['x'], 5 as never, {}))).message).toMatch(/^fill must be/)
  })
})

describe('a tenant', () => {
  const ids: unknown[] = ['', 'a'.repeat(129), 'a\nb', 'a\0', '\u0085', '\ud800', 5, null, undefined, {}]
  it.each(ids)('called %j is refused', async (id) => {
    const error = await errorOf(() => cache.tenant(id as never))
    expect(error.code).toBe('INVALID_TENANT')
    expect(error.message).toMatch(/^tenant must be text of 1 to 128 characters without control characters; got /)
  })
})

describe('tags', () => {
  const lists: unknown[] = [
    'all',
    null,
    {},
    [''],
    ['a'.repeat(129)],
    ['a\nb'],
    [5],
    new Array(1),
    Array.from({ length: 65 }, (_, n) => `t${n}`),
  ]
  it.each(lists)('that are none (%j) are refused', async (tags) => {
    for (const call of [
      () => cache.invalidate({ tags } as never),
      () => cache.set(row, 'k', 'after', { tags } as never),
      () => cache.getOrFill(row, 'x', fill, { tags } as never),
      () => cache.getOrFill(row, 'x', (ctx) => ctx.value('v', { tags } as never)),
    ]) {
      expect((await errorOf(call)).code).toBe('INVALID_TAG')
    }
  })
})

describe('options', () => {
  it.each<[options: unknown, message: RegExp]>([
    [null, /^options must be an object of options; got null/],
    [5, /^options must be an object/],
    [{ fresh: true }, /^options.fresh is no option/],
    [{ signal: {} }, /^options.signal must be an AbortSignal/],
    [{ consistency: 'Strict' }, /^options.consistency must be 'eventual' or 'bounded' or 'strict'; got 'Strict'/],
  ])('of a read: %j is refused', async (options, message) => {
    for (const call of [
      () => cache.get(row, 'k', options as never),
      () => cache.getOrFill(row, 'k', fill, options as never),
      () => cache.getOrFillMany(row, ['k'], () => [], options as never),
      () => cache.getMany(row, ['k'], options as never),
    ]) {
      expect((await errorOf(call)).message).toMatch(message)
    }
  })

  it.each<[options: unknown, message: RegExp]>([
    [null, /^options must be an object/],
    [{ ttl: 60 }, /^options.ttl must be text with a unit/],
    [{ ttl: '-1s' }, /^options.ttl must be a duration/],
    [{ version: -1 }, /^options.version must be a whole number/],
    [{ version: '1.5' }, /^options.version must be a whole number/],
    [{ version: '9'.repeat(31) }, /at most 30 digits/],
    [{ authoritative: true }, /is no option/],
  ])('of a write: %j is refused', async (options, message) => {
    expect((await errorOf(() => cache.set(row, 'k', 'after', options as never))).message).toMatch(message)
    expect((await errorOf(() => cache.setMany(row, [['k', 'x']], options as never))).message).toMatch(message)
  })

  it.each<[request: unknown, message: RegExp]>([
    [undefined, /^invalidate must be an object/],
    [{}, /^invalidate must name tags or entries/],
    [{ tags: [] }, /^invalidate must name tags or entries/],
    [{ tag: ['all'] }, /^invalidate.tag is no option \(did you mean 'tags'/],
    [{ tags: ['all'], soft: 1 }, /^invalidate.soft must be true or false; got 1/],
    [{ tags: ['all'], entries: [['k']] }, /^invalidate.entries\[0\] must be a pair/],
    [{ tags: ['all'], entries: [row] }, /^invalidate.entries\[0\] must be a pair/],
    [{ tags: ['all'], entries: null }, /^invalidate.entries must be/],
  ])('of an invalidation: %# is refused', async (request, message) => {
    expect((await errorOf(() => cache.invalidate(request as never))).message).toMatch(message)
  })

  it.each([null, 5, {}, 'x', '0:gen', '0:gen:1', '0:g!n:1-1', '0:gen:1-1~', 'x'.repeat(5_000)])(
    'with the receipt %j are refused',
    async (after) => {
      expect((await errorOf(() => cache.get(row, 'k', { after } as never))).code).toBe('INVALID_RECEIPT')
    },
  )
})

describe('a listener', () => {
  it('for an unknown event, or that is no function, is refused', async () => {
    expect((await errorOf(() => cache.on('hits' as never, fill))).message).toMatch(/^on: type must be 'hit' or/)
    expect((await errorOf(() => cache.on('hit', 'x' as never))).message).toMatch(/^on: listener must be a function/)
  })
})
