import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'
import { deferred } from '../../kit/twin-caches.js'

const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0, tags: () => ['t'] })
const clock = fakeClock()
let cache: Cache

afterEach(async () => {
  const closed = cache.close()
  await clock.advance(10_000)
  await closed
})

function memoryOnly(): Cache {
  cache = createCache({ clock, random: seededRandom(1), ttl: '60s' })
  return cache
}

function sharedOnly(): Cache {
  const server = createTwinServer({ clock, random: seededRandom(1) })
  cache = createCache({ tiers: [sharedTier({ server })], clock, random: seededRandom(1), ttl: '60s' })
  return cache
}

function both(): Cache {
  const server = createTwinServer({ clock, random: seededRandom(1), shards: 3 })
  cache = createCache({ tiers: [memoryTier(), sharedTier({ server })], clock, random: seededRandom(1), ttl: '60s' })
  return cache
}

describe.each([
  ['memory', memoryOnly],
  ['the shared tier', sharedOnly],
  ['both', both],
])('in %s', (_tiers, make) => {
  it('a tenant never sees the value of another, nor of the cache itself', async () => {
    make()
    const [a, b] = [cache.tenant('a'), cache.tenant('b')]
    await cache.set(row, 'k', 0)
    await a.set(row, 'k', 1)
    await b.set(row, 'k', 2)
    expect([await cache.get(row, 'k'), await a.get(row, 'k'), await b.get(row, 'k')]).toEqual([0, 1, 2])
    expect(await cache.tenant('c').getOrFill(row, 'k', (ctx) => ctx.tenant)).toBe('c')
  })

  it('names that try to collide do not', async () => {
    make()
    const names = ['a', 'a|row@1|k', '1:a', '0:', ':', 'a:', 'A', '*', '{a}', 'a|', '0:|row@1']
    for (const [index, name] of names.entries()) {
      await cache.tenant(name).set(row, 'k', index)
      await cache.tenant(name).set(row, 'row@1|k', -index)
    }
    for (const [index, name] of names.entries()) expect(await cache.tenant(name).get(row, 'k')).toBe(index)
    await cache.tenant('*').clear()
    const left = await Promise.all(names.map((name) => cache.tenant(name).get(row, 'k')))
    expect(left.map((value) => value !== undefined)).toEqual(names.map((name) => name !== '*'))
  })

  it.each<[string, (tenant: ReturnType<Cache['tenant']>) => Promise<unknown>]>([
    ['a delete', (tenant) => tenant.delete(row, 'k')],
    ['a tag', (tenant) => tenant.invalidate({ tags: ['t'] })],
    ['an entry', (tenant) => tenant.invalidate({ entries: [[row, 'k']] })],
    ['a clear', (tenant) => tenant.clear()],
  ])('%s of one tenant leaves the others what they have', async (_what, invalidate) => {
    make()
    const [a, b] = [cache.tenant('a'), cache.tenant('b')]
    for (const scope of [cache, a, b]) await scope.set(row, 'k', 1)
    await invalidate(a)
    expect([await cache.get(row, 'k'), await a.get(row, 'k'), await b.get(row, 'k')]).toEqual([1, undefined, 1])
    await cache.clear()
    expect([await cache.get(row, 'k'), await b.get(row, 'k')]).toEqual([undefined, 1])
  })

  it('two scopes of one tenant are the same', async () => {
    make()
    await cache.tenant('a').set(row, 'k', 1)
    expect(await cache.tenant('a').get(row, 'k')).toBe(1)
    await cache.tenant('a').clear()
    expect(await cache.tenant('a').get(row, 'k')).toBeUndefined()
  })

  it('flights are not shared between tenants', async () => {
    make()
    const gate = deferred<void>()
    const fill = async (ctx: { tenant: string }) => {
      await gate.promise
      return ctx.tenant
    }
    const calls = ['a', 'b'].map((name) => cache.tenant(name).getOrFill(row, 'k', fill))
    await clock.settle()
    gate.resolve()
    expect(await Promise.all(calls)).toEqual(['a', 'b'])
  })

  it('the default policy and a policy of the same key do not meet, nor do 1 and "1"', async () => {
    make()
    await cache.set('k', 'default')
    await cache.set(row, 'k', 'row')
    await cache.set(row, 1, 'number')
    await cache.set(row, '1', 'text')
    expect([
      await cache.get('k'),
      await cache.get(row, 'k'),
      await cache.get(row, 1),
      await cache.get(row, '1'),
    ]).toEqual(['default', 'row', 'number', 'text'])
    await cache.set(row, -0, 'zero')
    expect(await cache.get(row, 0)).toBe('zero')
  })
})

describe('more tenants than a process remembers', () => {
  it('cost the oldest its entries, and no scope its isolation or its invalidations', { timeout: 60_000 }, async () => {
    memoryOnly()
    const early = cache.tenant('early')
    await early.set(row, 'k', 1)
    for (let n = 0; n < 100_000; n++) cache.tenant(`t${n}`)
    expect(cache.stats().tenants).toBe(100_000)
    expect(early.peek(row, 'k')).toBeUndefined()
    const again = cache.tenant('early')
    await again.set(row, 'k', 2)
    expect(await early.getOrFill(row, 'k', () => 9)).toBe(2)
    const late = cache.tenant('t0')
    for (let n = 0; n < 99_999; n++) cache.tenant(`u${n}`)
    const fresh = cache.tenant('t0')
    await fresh.set(row, 'k', 3)
    await late.clear()
    expect(fresh.peek(row, 'k')).toBeUndefined()
  })
})
