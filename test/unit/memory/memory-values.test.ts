import { describe, expect, it } from 'vitest'
import { createCache, memoryTier } from '../../../src/index.js'
import type { MemoryTierOptions } from '../../../src/memory/memory-tier.js'
import { newEntry, newSpace, openTier } from './memory-fixture.js'

function stored(value: unknown, values: MemoryTierOptions['values']) {
  const { tier } = openTier({ maxEntries: 10, values })
  const space = newSpace()
  tier.set(space, 'a', newEntry(value))
  return {
    fresh: () => tier.getFresh(space, 'a', 0) as never,
    entry: () => tier.getEntry(space, 'a', 0)?.value as never,
  }
}

describe('values by reference', () => {
  it('gives back the very object', () => {
    const value = { list: [1] }
    const { fresh, entry } = stored(value, undefined)
    expect(fresh()).toBe(value)
    expect(entry()).toBe(value)
    expect(Object.isFrozen(value)).toBe(false)
  })
})

describe('cloned values', () => {
  it('gives every reader an own copy, apart from what was set', () => {
    const value = { list: [1], when: new Date(5), map: new Map([[1, { a: 1 }]]) }
    const { fresh, entry } = stored(value, 'cloned')
    value.list.push(2)
    const first: typeof value = fresh()
    expect(first).toEqual({ list: [1], when: new Date(5), map: new Map([[1, { a: 1 }]]) })
    first.list.push(3)
    first.map.clear()
    expect(fresh()).toEqual({ list: [1], when: new Date(5), map: new Map([[1, { a: 1 }]]) })
    expect(entry()).toEqual(fresh())
    expect(entry()).not.toBe(entry())
  })

  it('gives callers who join a fill copies of their own, too', async () => {
    const cache = createCache({ ttl: '60s', tiers: [memoryTier({ values: 'cloned' })] })
    const load = async () => ({ list: [1] })
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => cache.getOrFill('k', load)))
    first!.list.push(2)
    second!.list.push(3)
    expect([first, second, third]).toEqual([{ list: [1, 2] }, { list: [1, 3] }, { list: [1] }])
    expect(cache.stats()).toMatchObject({ fills: 1, joined: 2 })
    expect(await cache.get('k')).toEqual({ list: [1] })
    await cache.close()
  })

  it('refuses what has no copy, and keeps what was there', async () => {
    const cache = createCache({ ttl: '60s', tiers: [memoryTier({ values: 'cloned' })] })
    await cache.set('k', 'before')
    const refused = { code: 'UNSERIALISABLE_VALUE', message: expect.stringContaining("values: 'cloned'") as unknown }
    await expect(cache.set('k', { secret: () => 'hunter2' })).rejects.toMatchObject(refused)
    await expect(cache.getOrFill('other', () => new WeakMap())).rejects.toMatchObject(refused)
    expect([await cache.get('k'), (await cache.getEntry('other')).state]).toEqual(['before', 'missing'])
    await cache.close()
  })

  it('passes plain values through', () => {
    expect(stored('text', 'cloned').fresh()).toBe('text')
    expect(stored(null, 'cloned').fresh()).toBe(null)
  })
})

describe('frozen values', () => {
  it('throws at every change, however deep', () => {
    const value = { list: [{ a: 1 }], map: new Map([['k', { b: 1 }]]), set: new Set([1]), when: new Date(5) }
    const held: typeof value = stored(value, 'frozen').fresh()
    expect(held).toBe(value)
    expect(() => held.list.push({ a: 2 })).toThrow(TypeError)
    expect(() => Object.assign(held.list[0]!, { a: 2 })).toThrow(TypeError)
    expect(() => held.map.set('x', { b: 2 })).toThrow(/frozen/)
    expect(() => held.map.delete('k')).toThrow(/frozen/)
    expect(() => held.map.clear()).toThrow(/frozen/)
    expect(() => Object.assign(held.map.get('k')!, { b: 2 })).toThrow(TypeError)
    expect(() => held.set.add(2)).toThrow(/frozen/)
    expect(() => held.when.setTime(0)).toThrow(/frozen/)
    expect(held.map.get('k')).toEqual({ b: 1 })
    expect(held.when.getTime()).toBe(5)
  })

  it('ends on a value that holds itself', () => {
    const value: { self?: unknown; list: unknown[] } = { list: [] }
    value.self = value
    value.list.push(value)
    stored(value, 'frozen')
    expect(Object.isFrozen(value.list)).toBe(true)
  })

  it('looks inside what was frozen only on its surface', () => {
    const inner = { a: 1 }
    stored(Object.freeze({ inner }), 'frozen')
    expect(Object.isFrozen(inner)).toBe(true)
  })

  it('leaves bytes as they are', () => {
    const bytes = new Uint8Array([1, 2])
    const held: { bytes: Uint8Array } = stored({ bytes }, 'frozen').fresh()
    expect(held.bytes).toBe(bytes)
  })

  it('does not run getters', () => {
    let runs = 0
    const value = Object.defineProperty({}, 'x', { enumerable: true, get: () => runs++ })
    stored(value, 'frozen')
    expect(runs).toBe(0)
  })
})
