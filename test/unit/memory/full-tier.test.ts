import { describe, expect, it } from 'vitest'
import type { SpaceView } from '../../../src/core/ports/local-tier.js'
import { EVICTION_NAMES } from '../../../src/memory/evictions/create-eviction.js'
import { memoryTier, type RunningMemoryTier } from '../../../src/memory/memory-tier.js'
import { ManualClock, newEntry, newSpace, openTier, ScriptedNamespace, SeededRandom } from './memory-fixture.js'

function newTenant(tenant: string) {
  const namespace = new ScriptedNamespace()
  namespace.tenant = tenant
  return newSpace(namespace)
}

/** Entries of many groups: spaces, tags, stale windows, and moments beyond the reach of one base. */
const variedEntry = (id: number) =>
  newEntry(id, {
    tags: id % 3 === 0 ? [`tag:${id % 5}`] : undefined,
    staleMs: (id % 4) * 100,
    freshUntilMs: 60_000 + id + (id % 7 === 0 ? 5e9 : 0),
    storedAtMs: 1_700_000_000_000 + id,
  })

describe.each(EVICTION_NAMES)('a full tier, eviction %s: a new entry takes the slot of one that leaves', (eviction) => {
  it('S4-10: is whole for every size, also where it fills while its index grows', () => {
    for (let maxEntries = 1; maxEntries <= 120; maxEntries++) {
      const { tier, removed } = openTier({ maxEntries, eviction })
      const spaces = [newSpace(), newSpace()]
      for (let id = 0; id < maxEntries * 4; id++) {
        const space = spaces[id % 2]!
        const key = id % 5 === 0 ? `unit:${id}` : id
        tier.set(space, key, variedEntry(id))
        const { value, tags, staleMs, freshUntilMs, storedAtMs } = variedEntry(id)
        expect(tier.getEntry(space, key, 0)).toMatchObject({ value, tags, staleMs, freshUntilMs, storedAtMs })
        if (id % 3 === 0) tier.getFresh(space, id - 2, 0)
      }
      tier.validate()
      expect(tier.usage().entries).toBe(maxEntries)
      expect(removed).toHaveLength(maxEntries * 3)
    }
  })

  it('tells which space has lost one', () => {
    const { tier, removed } = openTier({ maxEntries: 20, eviction })
    const [before, after] = [newSpace(), newSpace()]
    for (let id = 0; id < 20; id++) tier.set(before, id, newEntry(id))
    for (let id = 0; id < 20 * 40; id++) tier.set(after, id % 30, newEntry(id))
    const lost = (space: SpaceView) => removed.filter((one) => one.space === space).length
    const held = (space: SpaceView) =>
      Array.from({ length: 30 }, (_, id) => id).filter((id) => tier.has(space, id)).length
    expect(held(before) + held(after)).toBe(20)
    expect(lost(before)).toBe(20 - held(before))
    expect(removed.every(({ reason }) => reason === 'evicted')).toBe(true)
  })

  it('S4-10: what was read again and again is gone with its slot', () => {
    const { tier } = openTier({ maxEntries: 8, eviction })
    const space = newSpace()
    for (let id = 0; id < 400; id++) {
      const key = `unit:${id}`
      tier.set(space, key, newEntry(id))
      for (let read = 0; read < 12; read++) tier.getFresh(space, key, 0)
      for (let old = Math.max(0, id - 12); old <= id; old++) {
        const name = `unit:${old}`
        expect(tier.getFresh(space, name, 0)).toBe(tier.has(space, name) ? old : undefined)
      }
    }
  })

  it('keeps the books of tenants, also when the eviction changes between', () => {
    const { tier } = openTier({ maxEntries: 60, eviction, quotas: { share: 0.4, tenants: { b: { maxEntries: 9 } } } })
    const spaces = ['', 'a', 'b', 'c'].map(newTenant)
    for (let id = 0; id < 2_000; id++) {
      const space = spaces[(id * id + (id >> 3)) % 4]!
      tier.set(space, id % 180, variedEntry(id))
      if (id % 9 === 4) tier.getFresh(space, (id * 7) % 180, 0)
      if (id % 500 === 250) tier.useEviction(EVICTION_NAMES[(id / 250) % EVICTION_NAMES.length]!)
      if (id % 50 === 0) tier.validate()
    }
    const held = tier.details().tenants!.reduce((sum, { entries }) => sum + entries, 0)
    expect(held).toBe(60)
    expect(tier.details().tenants!.find(({ tenant }) => tenant === 'b')!.entries).toBeLessThanOrEqual(9)
  })

  it('may be asked again by whom it tells', () => {
    const space = newSpace()
    let tier: RunningMemoryTier | undefined
    let told = 0
    const opened = memoryTier({ maxEntries: 10, eviction, pressure: false }).open({
      cacheName: 'test',
      clock: new ManualClock(),
      random: new SeededRandom(1),
      onRemoved: () => {
        if (++told % 3 === 0) tier!.set(space, -told, newEntry(told))
      },
    }) as RunningMemoryTier
    tier = opened
    for (let id = 0; id < 300; id++) {
      opened.set(space, id, newEntry(id))
      opened.validate()
    }
    expect(told).toBeGreaterThan(290)
    opened.close()
  })
})
