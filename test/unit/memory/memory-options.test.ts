import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../../src/core/errors.js'
import { type MemoryTierOptions, memoryTier } from '../../../src/memory/memory-tier.js'
import { newEntry, newSpace, openTier } from './memory-fixture.js'

const refused: [string, unknown, string, RegExp][] = [
  ['no object', 5, 'memoryTier', /must be an object/],
  ['null', null, 'memoryTier', /must be an object/],
  ['an unknown option', { maxSize: 5 }, 'memoryTier.maxSize', /is no option.*maxEntries/],
  ['an unknown eviction', { eviction: 'mru' }, 'memoryTier.eviction', /'w-tinylfu'.*'lru'.*got 'mru'/],
  ['an eviction of the wrong type', { eviction: 1 }, 'memoryTier.eviction', /got 1/],
  ['no entries', { maxEntries: 0 }, 'memoryTier.maxEntries', /1 or more; got 0/],
  ['fewer than no entries', { maxEntries: -5 }, 'memoryTier.maxEntries', /got -5/],
  ['fractional entries', { maxEntries: 1.5 }, 'memoryTier.maxEntries', /whole number.*got 1.5/],
  ['NaN entries', { maxEntries: NaN }, 'memoryTier.maxEntries', /got NaN/],
  ['endless entries', { maxEntries: Infinity }, 'memoryTier.maxEntries', /got Infinity/],
  ['entries as text', { maxEntries: '10' }, 'memoryTier.maxEntries', /got '10'/],
  ['too many entries', { maxEntries: 2 ** 24 }, 'memoryTier.maxEntries', /at most 16777215/],
  ['no bytes', { maxBytes: 0 }, 'memoryTier.maxBytes', /above 0.*got 0/],
  ['fewer than no bytes', { maxBytes: -1 }, 'memoryTier.maxBytes', /got -1/],
  ['NaN bytes', { maxBytes: NaN }, 'memoryTier.maxBytes', /got NaN/],
  ['an unknown unit', { maxBytes: '5 pounds' }, 'memoryTier.maxBytes', /got '5 pounds'/],
  ['no bytes as text', { maxBytes: '0mb' }, 'memoryTier.maxBytes', /got '0mb'/],
  ['no bytes for one entry', { maxEntryBytes: 0 }, 'memoryTier.maxEntryBytes', /got 0/],
  [
    'one entry above the whole',
    { maxBytes: 100, maxEntryBytes: 101 },
    'memoryTier.maxEntryBytes',
    /at most maxBytes \(100\)/,
  ],
  ['an unknown mode of values', { values: 'copied' }, 'memoryTier.values', /'reference'.*got 'copied'/],
  ['bounds that are none', { maxBytes: Infinity }, 'memoryTier.maxBytes', /got Infinity/],
  ['quotas that say nothing', { quotas: {} }, 'memoryTier.quotas', /must say share, maxBytes or maxEntries/],
  ['quotas of no object', { quotas: 0.5 }, 'memoryTier.quotas', /must be an object.*got 0.5/],
  ['tenants of no object', { quotas: { tenants: null } }, 'memoryTier.quotas.tenants', /must be an object.*got null/],
  ['an unknown quota', { quotas: { shares: 1 } }, 'memoryTier.quotas.shares', /did you mean 'share'/],
  ['a share of nothing', { quotas: { share: 0 } }, 'memoryTier.quotas.share', /above 0 and at most 1; got 0/],
  ['a share above the whole', { quotas: { share: 1.1 } }, 'memoryTier.quotas.share', /got 1.1/],
  ['a share of NaN', { quotas: { share: NaN } }, 'memoryTier.quotas.share', /got NaN/],
  [
    'a quota above the bound of entries',
    { maxEntries: 10, quotas: { maxEntries: 11 } },
    'memoryTier.quotas.maxEntries',
    /at most the tier's own maxEntries \(10\); got 11/,
  ],
  [
    'a quota above the bound of bytes',
    { maxBytes: '1mb', quotas: { maxBytes: '2mb' } },
    'memoryTier.quotas.maxBytes',
    /at most the tier's own maxBytes \(1048576\); got '2mb'/,
  ],
  [
    'a quota of bytes where only entries are counted',
    { maxEntries: 10, quotas: { maxBytes: 10 } },
    'memoryTier.quotas.maxBytes',
    /needs memoryTier.maxBytes/,
  ],
  [
    "a single tenant's quota above the bound",
    { maxEntries: 10, quotas: { tenants: { a: { maxEntries: 11 } } } },
    "memoryTier.quotas.tenants['a'].maxEntries",
    /got 11/,
  ],
  ['an empty tenant', { quotas: { tenants: { '': { share: 1 } } } }, 'tenant', /1 to 128 characters/],
  ['pressure that is none', { pressure: 5 }, 'memoryTier.pressure', /methods heap, rssBytes/],
  ['an estimator that is none', { estimateBytes: 100 }, 'memoryTier.estimateBytes', /must be a function.*got 100/],
]

describe('options', () => {
  it.each(refused)('refuses %s', (_what, options, field, message) => {
    const create = (): unknown => memoryTier(options as MemoryTierOptions)
    expect(create).toThrow(InvalidOptionError)
    expect(create).toThrow(message)
    try {
      create()
    } catch (error) {
      expect((error as InvalidOptionError).field).toBe(field)
      expect((error as Error).message.startsWith(field)).toBe(true)
    }
  })

  it('leaves what the caller passed alone, and is frozen', () => {
    const options: MemoryTierOptions = Object.freeze({ maxEntries: 5, eviction: 'lru' })
    const definition = memoryTier(options)
    expect(Object.isFrozen(definition)).toBe(true)
    expect(definition).toMatchObject({ kind: 'local', name: 'memory' })
  })

  it('opens as often as it is asked to, each time an own tier', () => {
    const first = openTier({ maxEntries: 5 })
    const second = openTier({ maxEntries: 5 })
    const space = newSpace()
    first.tier.set(space, 'a', newEntry(1))
    expect(second.tier.usage().entries).toBe(0)
  })
})

describe("the caller's estimator", () => {
  const bad: [string, (value: unknown) => unknown, RegExp][] = [
    ['NaN', () => NaN, /got NaN/],
    ['a negative number', () => -1, /got -1/],
    ['Infinity', () => Infinity, /got Infinity/],
    ['text', () => '5', /got '5'/],
    ['nothing', () => undefined, /got undefined/],
  ]

  it.each(bad)('is refused when it answers %s, and nothing changes', (_what, estimateBytes, message) => {
    const { tier } = openTier({ maxBytes: '1mb', estimateBytes: estimateBytes as () => number })
    const space = newSpace()
    tier.set(space, 'a', newEntry('old', { bytes: 10 }))
    expect(() => tier.set(space, 'a', newEntry('new'))).toThrow(message)
    expect(() => tier.set(space, 'b', newEntry('new'))).toThrow(/memoryTier.estimateBytes must answer/)
    expect(tier.getFresh(space, 'a', 0)).toBe('old')
    expect(tier.usage().entries).toBe(1)
  })

  it('is named when it throws, with its error as the cause', () => {
    const cause = new RangeError('boom')
    const { tier } = openTier({
      maxBytes: '1mb',
      estimateBytes: () => {
        throw cause
      },
    })
    expect(() => tier.set(newSpace(), 'a', newEntry('new'))).toThrow(
      expect.objectContaining({
        cause,
        field: 'memoryTier.estimateBytes',
        message: expect.stringContaining('must not throw'),
      }),
    )
    expect(tier.usage().entries).toBe(0)
  })
})
