import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVICTION_NAMES } from '../../../src/memory/evictions/create-eviction.js'
import type { MemoryTierOptions } from '../../../src/memory/memory-tier.js'
import { heldKeys, newEntry, newSpace, openTier, ScriptedNamespace } from './memory-fixture.js'

function newTenant(tenant: string) {
  const namespace = new ScriptedNamespace()
  namespace.tenant = tenant
  return newSpace(namespace)
}

function open(options: MemoryTierOptions) {
  const opened = openTier(options)
  const store = (space: ReturnType<typeof newTenant>, from: number, to: number, bytes?: number): void => {
    for (let id = from; id < to; id++) opened.tier.set(space, id, newEntry(id, { bytes }))
  }
  const entriesOf = (tenant: string): number =>
    opened.tier.details().tenants!.find((one) => one.tenant === tenant)?.entries ?? 0
  return { ...opened, store, entriesOf }
}

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

describe.each(EVICTION_NAMES)('quotas with eviction %s', (eviction) => {
  it('a tenant above its quota makes room among its own entries', () => {
    const { tier, store, entriesOf } = open({ maxEntries: 100, eviction, quotas: { share: 0.6 } })
    const [quiet, noisy] = [newTenant('quiet'), newTenant('noisy')]
    store(quiet, 0, 40)
    store(noisy, 0, 10_000)
    expect(heldKeys(tier, quiet, ids(0, 40))).toHaveLength(40)
    expect(entriesOf('noisy')).toBe(60)
  })

  it('room that nobody needs is anybody’s', () => {
    const { store, entriesOf } = open({ maxEntries: 100, eviction, quotas: { share: 0.1 } })
    store(newTenant('alone'), 0, 1_000)
    expect(entriesOf('alone')).toBe(100)
  })

  it('who went above its quota gives way to who needs its own share', () => {
    const { store, entriesOf } = open({ maxEntries: 100, eviction, quotas: { share: 0.5 } })
    store(newTenant('first'), 0, 100)
    store(newTenant('second'), 0, 50)
    expect([entriesOf('first'), entriesOf('second')]).toEqual([50, 50])
  })

  it('stays whole while tenants, sizes and evictions come and go', () => {
    const { tier, clock } = open({
      maxBytes: 60_000,
      eviction,
      quotas: { share: 0.3, tenants: { b: { maxEntries: 7 } } },
    })
    const spaces = ['', 'a', 'b', 'c', 'd'].map(newTenant)
    for (let step = 0; step < 8_000; step++) {
      const space = spaces[(step * step) % 5]!
      const key = (step * 7_919) % 300
      if (step % 13 === 5) tier.delete(space, key)
      else if (tier.getFresh(space, key, clock.now()) === undefined) {
        tier.set(space, key, newEntry(step, { bytes: (step * 31) % 900, freshUntilMs: clock.now() + 3_000 }))
      }
      if (step % 50 === 0) clock.advance(500)
      if (step % 1_000 === 999) tier.useEviction(EVICTION_NAMES[((step / 1_000) % 6) | 0]!)
      if (step % 500 === 0) tier.validate()
    }
  })
})

describe('quotas', () => {
  it('by bytes: a tenant of few large entries is as noisy as one of many small ones', () => {
    const { tier, store } = open({ maxBytes: 100_000, quotas: { maxBytes: '40kb' } })
    const [small, large] = [newTenant('small'), newTenant('large')]
    store(small, 0, 100, 200)
    store(large, 0, 500, 9_000)
    expect(heldKeys(tier, small, ids(0, 100))).toHaveLength(100)
    const [first] = tier.details().tenants!
    expect(first).toMatchObject({ tenant: 'large' })
    expect(first!.bytes).toBeGreaterThan(50_000)
  })

  it('by entries, also where bytes bound the whole', () => {
    const { store, entriesOf } = open({ maxBytes: 100_000, quotas: { maxEntries: 5 } })
    store(newTenant('a'), 0, 200, 5_000)
    store(newTenant('b'), 0, 5, 5_000)
    expect(entriesOf('b')).toBe(5)
  })

  it('of single tenants come before the general one', () => {
    const { store, entriesOf } = open({
      maxEntries: 100,
      quotas: { share: 0.1, tenants: { big: { share: 0.8 } } },
    })
    const [big, other] = [newTenant('big'), newTenant('other')]
    store(big, 0, 80)
    store(other, 0, 500)
    expect([entriesOf('big'), entriesOf('other')]).toEqual([80, 20])
  })

  it('do not hold what lies outside any tenant', () => {
    const { tier, store } = open({ maxEntries: 100, eviction: 'lru', quotas: { share: 0.1 } })
    const [outside, tenant] = [newTenant(''), newTenant('a')]
    store(outside, 0, 100)
    store(tenant, 0, 10)
    expect(heldKeys(tier, outside, ids(0, 100))).toHaveLength(90)
    expect(tier.details().tenants!.map(({ isOverQuota }) => isOverQuota)).toEqual([false, false])
  })

  it('within a tenant, what is read stays', () => {
    const { tier, store } = open({ maxEntries: 100, eviction: 'fifo', quotas: { share: 0.5 } })
    const [quiet, noisy] = [newTenant('quiet'), newTenant('noisy')]
    store(quiet, 0, 50)
    store(noisy, 0, 50)
    for (let id = 100; id < 400; id++) {
      for (const hot of [1, 2, 3]) expect(tier.getFresh(noisy, hot, 0)).toBe(hot)
      tier.set(noisy, id, newEntry(id))
    }
    expect(heldKeys(tier, quiet, ids(0, 50))).toHaveLength(50)
  })

  it('tells the ten tenants that hold most, and what they lost', () => {
    const { tier, store } = open({ maxEntries: 1_000, quotas: { maxEntries: 60 } })
    for (let tenant = 1; tenant <= 15; tenant++) store(newTenant(`t${tenant}`), 0, tenant * 10)
    const { tenants } = tier.details()
    expect(tenants).toHaveLength(10)
    const entries = tenants!.map((one) => one.entries)
    expect(entries).toEqual([...entries].sort((a, b) => b - a))
    expect(tenants!.some(({ evicted, isOverQuota }) => evicted > 0 && isOverQuota)).toBe(true)
    expect(openTier({ maxEntries: 5 }).tier.details().tenants).toBeUndefined()
  })

  it('shrink and grow with the room', () => {
    const { tier, store, entriesOf } = open({ maxEntries: 1_000, quotas: { share: 0.5 } })
    const space = newTenant('a')
    store(space, 0, 400)
    expect(tier.details().tenants![0]).toMatchObject({ isOverQuota: false })
    store(space, 400, 501)
    expect(tier.details().tenants![0]).toMatchObject({ isOverQuota: true })
    for (let id = 0; id < 10; id++) tier.delete(space, id)
    expect(tier.details().tenants![0]).toMatchObject({ isOverQuota: false })
    expect(entriesOf('a')).toBe(491)
  })

  it('property: no tenant within its quota loses an entry to one above it, by a plain model', () => {
    const step = fc.record({ tenant: fc.nat(3), key: fc.nat(40) })
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 50, maxLength: 400, size: 'max' }),
        fc.constantFrom(...EVICTION_NAMES),
        (steps, eviction) => {
          const { tier } = openTier({ maxEntries: 30, eviction, quotas: { maxEntries: 10 } })
          const spaces = ['t0', 't1', 't2', 't3'].map(newTenant)
          const held = (): Map<number, Set<number>> =>
            new Map(spaces.map((space, tenant) => [tenant, new Set(heldKeys(tier, space, ids(0, 41)) as number[])]))
          for (const { tenant, key } of steps) {
            const before = held()
            tier.set(spaces[tenant]!, key, newEntry(key))
            const after = held()
            const isAnyoneAbove = [...before].some(([one, keys]) => keys.size + (one === tenant ? 1 : 0) > 10)
            for (const [other, keys] of before) {
              const lost = [...keys].filter((one) => !after.get(other)!.has(one))
              if (lost.length === 0 || !isAnyoneAbove) continue
              expect(keys.size + (other === tenant ? 1 : 0), `tenant ${other} lost ${lost}`).toBeGreaterThan(10)
            }
          }
          tier.validate()
        },
      ),
      { numRuns: 60 },
    )
  })
})
