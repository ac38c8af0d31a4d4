import { describe, expect, it } from 'vitest'

interface Spread {
  q1: number
  median: number
  q3: number
}
type Kept = Record<string, Record<string, { ratios: Record<string, Spread>; counts: Record<string, number> }>>

const harness = new URL('../../bench/harness/', import.meta.url)
const load = async <T>(name: string): Promise<T> => (await import(new URL(name, harness).href)) as T

const { quartiles } = await load<{ quartiles(numbers: number[]): Spread }>('quartiles.mjs')
const { report } = await load<{
  report(
    scenario: object,
    cases: object[],
    results: object[][],
    options: object,
  ): { groups: { rows: { ratios: Record<string, Spread> }[] }[] }
}>('report.mjs')
const { regressions } = await load<{ regressions(before: Kept, now: Kept): string[] }>('baseline.mjs')
const { zipfTrace } = await load<{ zipfTrace(options: object): Uint32Array }>('zipf.mjs')

describe('the bench harness', () => {
  it('takes quartiles between two rounds where it must', () => {
    expect(quartiles([4, 1, 3, 2])).toEqual({ q1: 1.75, median: 2.5, q3: 3.25 })
    expect(quartiles([5])).toEqual({ q1: 5, median: 5, q3: 5 })
  })

  it('takes ratios within a round: half as quick as the floor is 0.5, however slow the minute was', () => {
    const scenario = { name: 'any', figures: [{ name: 'ns' }], ratios: [{ figure: 'ns', to: 'floor' }] }
    const cases = [
      { group: 'all', contender: 'floor' },
      { group: 'all', contender: 'own' },
    ]
    const results = [
      [{ ns: 10 }, { ns: 1_000 }],
      [{ ns: 20 }, { ns: 2_000 }],
    ]
    const [group] = report(scenario, cases, results, { rounds: 2 }).groups
    expect(group!.rows.map(({ ratios }) => ratios.floor!.median)).toEqual([1, 0.5])
  })

  it('draws the same keys for the same seed, the first rank about as often as its weight says', () => {
    const draw = (seed: number): Uint32Array => zipfTrace({ items: 1_000, length: 100_000, skew: 0.99, seed })
    const trace = draw(1)
    expect(draw(1)).toEqual(trace)
    expect(draw(2)).not.toEqual(trace)
    const counts = new Map<number, number>()
    for (const item of trace) counts.set(item, (counts.get(item) ?? 0) + 1)
    const weights = Array.from({ length: 1_000 }, (_, rank) => 1 / (rank + 1) ** 0.99)
    const expected = 100_000 / weights.reduce((sum, weight) => sum + weight)
    expect(Math.max(...counts.values()) / expected).toBeCloseTo(1, 1)
  })
})

describe('the comparison with the baseline', () => {
  const kept = (median: number, fills: number): Kept => ({
    hot: {
      freshtier: { ratios: { 'lru-cache': { q1: median - 0.05, median, q3: median + 0.05 } }, counts: { fills } },
    },
  })

  it('accepts noise, and what got quicker', () => {
    expect(regressions(kept(0.8, 1), kept(0.7, 1))).toEqual([])
    expect(regressions(kept(0.8, 1), kept(0.9, 1))).toEqual([])
  })

  it('bites: reports what got slower, and a count that changed', () => {
    expect(regressions(kept(0.8, 1), kept(0.6, 1))).toEqual(['hot, freshtier: 0.6 × lru-cache, was 0.8'])
    expect(regressions(kept(0.8, 1), kept(0.8, 50))).toEqual(['hot, freshtier: 50 fills, was 1'])
  })
})
