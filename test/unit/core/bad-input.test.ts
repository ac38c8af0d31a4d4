import { describe, expect, it } from 'vitest'
import { CacheError, createCache, definePolicy, InvalidOptionError, memoryTier } from '../../../src/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'

const row = definePolicy({ name: 'row', ttl: '60s', jitter: 0 })
const clock = fakeClock()
const random = seededRandom(1)

function server() {
  return createTwinServer({ clock, random })
}

/** What a call throws or rejects with. */
async function errorOf(call: () => unknown): Promise<CacheError> {
  try {
    await call()
  } catch (error) {
    expect(CacheError.is(error), String(error)).toBe(true)
    return error as CacheError
  }
  throw new Error('it was accepted')
}

describe('createCache refuses, with field, value and rule,', () => {
  const shared = () => sharedTier({ server: server() })
  it.each<[what: string, options: () => unknown, field: string, message: RegExp]>([
    ['null', () => null, 'createCache', /object of options; got null/],
    ['an unknown option', () => ({ tier: [] }), 'createCache.tier', /is no option/],
    ['an empty name', () => ({ name: '' }), 'createCache.name', /1 to 32 letters.*got ''/],
    ['a name that ends a key part', () => ({ name: 'a:b' }), 'createCache.name', /got 'a:b'/],
    ['a name of null', () => ({ name: null }), 'createCache.name', /got null/],
    ['no tiers', () => ({ tiers: [] }), 'createCache.tiers', /at least one tier.*got an array of 0/],
    ['tiers of null', () => ({ tiers: null }), 'createCache.tiers', /got null/],
    ['a tier that is none', () => ({ tiers: ['memory'] }), 'createCache.tiers[0]', /made by memoryTier.*got 'memory'/],
    [
      'the shared tier first',
      () => ({ tiers: [shared(), memoryTier()] }),
      'createCache.tiers',
      /memory first, then disk, then at most one shared tier; got 'twin, memory'/,
    ],
    [
      'memory twice',
      () => ({ tiers: [memoryTier(), memoryTier()] }),
      'createCache.tiers',
      /each tier once.*got 'memory, memory'/,
    ],
    ['two shared tiers', () => ({ tiers: [shared(), shared()] }), 'createCache.tiers', /got 'twin, twin'/],
    ['three tiers', () => ({ tiers: [memoryTier(), shared(), shared()] }), 'createCache.tiers', /memory, twin, twin/],
    ['a bare number as maxStaleness', () => ({ maxStaleness: 2 }), 'createCache.maxStaleness', /'2ms' or '2s'/],
    ['maxStaleness 0s', () => ({ maxStaleness: '0s' }), 'createCache.maxStaleness', /longer than zero/],
    [
      'maxStaleness below two polls and a command',
      () => ({ tiers: [memoryTier(), shared()], maxStaleness: '1249ms' }),
      'createCache.maxStaleness',
      /twice the shared tier's poll interval plus its command timeout \(1250 ms\); got '1249ms'/,
    ],
    [
      'a lease that could end between two renewals',
      () => ({
        tiers: [shared()],
        policies: [definePolicy({ name: 'short', ttl: '1s', coordinate: { leaseMs: 1_500, waitMs: 900 } })],
      }),
      "policy 'short': coordinate.leaseMs",
      /above six times the shared tier's command timeout \(1500 ms\).*got 1500/,
    ],
    ['a default policy without ttl', () => ({ jitter: 0 }), 'createCache.jitter', /needs a ttl as well; got 0/],
    ['a wrong ttl of the default policy', () => ({ ttl: 60 }), "policy 'default': ttl", /got 60/],
    [
      'policies that are none',
      () => ({ policies: [{ name: 'x', ttl: '1s' }] }),
      'createCache.policies[0]',
      /definePolicy/,
    ],
    ['policies as text', () => ({ policies: 'row' }), 'createCache.policies', /iterable; got 'row'/],
    ['a clock that is none', () => ({ clock: { now: () => 0 } }), 'createCache.clock', /methods now, coarseNow/],
    ['randomness that is none', () => ({ random: null }), 'createCache.random', /got null/],
  ])('%s', async (_what, options, field, message) => {
    const error = await errorOf(() => createCache(options() as never))
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect((error as InvalidOptionError).field).toBe(field)
    expect(error.message).toMatch(message)
  })

  it('what the tier cannot do, and accepts the very next millisecond', async () => {
    const tiers = [memoryTier(), sharedTier({ server: server() })]
    const policies = [definePolicy({ name: 'short', ttl: '1s', coordinate: { leaseMs: 1_501, waitMs: 900 } })]
    await createCache({ tiers, maxStaleness: '1250ms', policies, clock, random }).close()
  })
})

describe('two policies of one name', () => {
  it('and different rules are refused in one cache, naming the rule that differs', async () => {
    const cache = createCache({ policies: [row], clock, random })
    const other = definePolicy({ name: 'row', ttl: '61s', jitter: 0 })
    const error = await errorOf(() => cache.get(other, 'k'))
    expect(error.code).toBe('POLICY_CONFLICT')
    expect(error.message).toMatch(/'row' \(version 1\) and differ in ttlMs/)
    await cache.close()
  })

  it('that tag differently are refused, or one would miss its invalidations', async () => {
    const cache = createCache({ clock, random })
    await cache.get(definePolicy({ name: 'tagged', ttl: '1s', tags: () => ['a'] }), 'k')
    const other = definePolicy({ name: 'tagged', ttl: '1s', tags: () => ['b'] })
    expect((await errorOf(() => cache.tenant('t').get(other, 'k'))).message).toMatch(/differ in tags/)
    await cache.close()
  })

  it('and the same rules are one policy, and another version is another policy', async () => {
    const cache = createCache({ clock, random })
    await cache.set(row, 'k', 1)
    const again = definePolicy({ name: 'row', ttl: '60s', jitter: 0 })
    const next = definePolicy({ name: 'row', version: 2, ttl: '5s' })
    expect([await cache.get(again, 'k'), await cache.get(next, 'k')]).toEqual([1, undefined])
    await cache.close()
  })
})

describe('close', () => {
  it('refuses a grace that is no number of milliseconds, and closes nothing', async () => {
    const cache = createCache({ ttl: '1s', clock, random })
    for (const graceMs of [Number.NaN, -1, Infinity, '5s', null]) {
      expect((await errorOf(() => cache.close({ graceMs } as never))).message).toMatch(/close.graceMs must be/)
    }
    expect((await errorOf(() => cache.close({ grace: 5 } as never))).message).toMatch(/close.grace is no option/)
    await cache.set('k', 1)
    expect(await cache.get('k')).toBe(1)
    await cache.close()
  })
})
