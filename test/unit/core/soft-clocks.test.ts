import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  firstSoftAfter,
  isSoftKnown,
  lastSoft,
  MAX_SOFT_RUNS,
  NO_SOFT_CLOCKS,
  parseSoftText,
  softText,
  withSoft,
} from '../../../src/core/soft-clocks.ts'
import { SoftRuns } from '../../../src/core/soft-runs.ts'

const one = (clock: number) => [clock, clock]
const all = (clocks: readonly number[]) => clocks.reduce((known, clock) => withSoft(known, one(clock)), NO_SOFT_CLOCKS)
const someClocks = fc.uniqueArray(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 60 })

describe('soft clocks', () => {
  it('tell the first after any moment, while there is room for all', () => {
    const clocks = all([30, 10, 20])
    expect([0, 10, 15, 20, 29, 30].map((born) => firstSoftAfter(clocks, born))).toEqual([10, 20, 20, 30, 30, Infinity])
    expect(firstSoftAfter(undefined, 0)).toBe(Infinity)
    expect([lastSoft(clocks), lastSoft(undefined)]).toEqual([30, 0])
  })

  it('merge the two that are closest together where there is no room', () => {
    const apart = Array.from({ length: MAX_SOFT_RUNS }, (_, index) => (index + 1) * 100)
    const clocks = all([...apart, 450])
    expect(clocks).toHaveLength(2 * MAX_SOFT_RUNS)
    expect(softText(clocks)).toBe('100 200 300 400-450 500 600 700 800')
    // Whether it was born before 450 or after is not known: it counts from its birth.
    expect([399, 400, 449, 450].map((born) => firstSoftAfter(clocks, born))).toEqual([400, 400, 449, 500])
  })

  it('never tell a later one than the first, nor none where there is one, nor one where there is none', () => {
    fc.assert(
      fc.property(someClocks, fc.integer({ min: 0, max: 10_001 }), (clocks, born) => {
        const known = all(clocks)
        const truth = Math.min(...clocks.filter((clock) => clock > born), Infinity)
        const said = firstSoftAfter(known, born)
        expect(known.length).toBeLessThanOrEqual(2 * MAX_SOFT_RUNS)
        expect(said).toBeLessThanOrEqual(truth)
        expect(said).toBeGreaterThanOrEqual(born)
        expect(said === Infinity).toBe(truth === Infinity)
        expect(clocks.every((clock) => isSoftKnown(known, clock))).toBe(true)
        expect(parseSoftText(softText(known))).toEqual(known)
        expect(withSoft(known, known)).toEqual(known)
      }),
    )
  })

  it('are read from the text of one clock, and from nothing else than their own', () => {
    expect(parseSoftText('7')).toEqual([7, 7])
    for (const text of ['', '7 ', '7-', '-7', '1-2-3', 'x', '1.5']) expect(parseSoftText(text), text).toBeUndefined()
  })
})

describe('the soft invalidations that a process has applied', () => {
  it('say since when something is stale that was judged before them', () => {
    const runs = new SoftRuns()
    runs.add(3, 1_000)
    runs.add(5, 2_000)
    expect([2, 3, 4, 5].map((seen) => runs.sinceMs(seen))).toEqual([1_000, 2_000, 2_000, Infinity])
    // One that was noticed late.
    runs.add(6, 500)
    expect([2, 5, 6].map((seen) => runs.sinceMs(seen))).toEqual([500, 500, Infinity])
  })

  it('never tell a later moment than the first', () => {
    const moments = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(moments, fc.nat(60), (times, seen) => {
        const runs = new SoftRuns()
        for (const [index, atMs] of times.entries()) runs.add(index + 1, atMs)
        expect(runs.sinceMs(seen)).toBeLessThanOrEqual(Math.min(...times.slice(seen), Infinity))
        expect(runs.sinceMs(seen) === Infinity).toBe(seen >= times.length)
      }),
    )
  })
})
