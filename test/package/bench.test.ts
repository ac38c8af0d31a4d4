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
const { target } = await load<{
  target(what: string, measured: number | undefined, bound: object): { measured: string; verdict: string }
}>('targets.mjs')
const { plotHitRatios } = await load<{ plotHitRatios(group: object): string }>('../hit-ratio/plot.mjs')
const { readArguments } = await load<{ readArguments(scenarios: Map<string, object>, args: string[]): object }>(
  'arguments.mjs',
)
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

  it('lets a case bring figures of its own', () => {
    const cases = [{ group: 'bytes', contender: 'own', figures: [{ name: 'filled' }], ratios: [] }]
    const [group] = report({ name: 'any' }, cases, [[{ filled: 7 }]], { rounds: 1 }).groups
    expect(group!.rows).toEqual([{ contender: 'own', figures: { filled: { q1: 7, median: 7, q3: 7 } }, ratios: {} }])
  })

  it('says whether a target is met by what was measured, at the bound too, and when nothing was', () => {
    const verdicts = (bound: object): string[] =>
      [9.9, 10, 10.1, undefined].map((measured) => target('any', measured, bound).verdict)
    expect(verdicts({ atLeast: 10 })).toEqual(['NOT MET', 'met', 'met', 'not measured'])
    expect(verdicts({ atMost: 10 })).toEqual(['met', 'met', 'NOT MET', 'not measured'])
  })

  it.each([
    [['nothing'], 'Which scenario?'],
    [['hit', '--rounds', '0'], "--rounds must be a whole number, 1 or more; got '0'."],
    [['hit', '--plots', 'docs'], 'hit takes no --plots.'],
    [['ratio', '--traces', 'no/such/folder'], "there is no folder 'no/such/folder'"],
  ])('refuses %j', (args, sentence) => {
    const known = new Map([
      ['hit', { name: 'hit', question: 'how long?' }],
      ['ratio', { name: 'ratio', question: 'how many?', takes: ['traces'] }],
    ])
    expect(() => readArguments(known, args)).toThrow(sentence)
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

describe('the picture of hit ratios', () => {
  const row = (contender: string, ratios: number[]): object => ({
    contender,
    figures: Object.fromEntries(['0.1', '1', '5', '10', '20'].map((name, index) => [name, { median: ratios[index] }])),
  })

  it('has a curve and a label for each contender, and colours for light and dark pages', () => {
    const rows = [row('optimum', [5, 10, 50, 60, 70]), row('freshtier lru', [1, 2, 30, 40, 50])]
    const picture = plotHitRatios({ name: 'a<b', rows })
    expect(picture.match(/<polyline/g)).toHaveLength(2)
    expect(picture).toContain('>optimum 70.0</text>')
    expect(picture).toContain('lru: 1.0, 2.0, 30.0, 40.0, 50.0.')
    expect(picture).toContain('prefers-color-scheme: dark')
    expect(picture).toContain('a&lt;b: hit ratio against size')
  })

  it('keeps labels apart where curves end together', () => {
    const picture = plotHitRatios({
      name: 'flat',
      rows: ['optimum', 'freshtier lru', 'freshtier sieve'].map((name) => row(name, [0, 0, 0, 0, 0])),
    })
    const heights = [...picture.matchAll(/class="label[^"]*" x="[\d.]+" y="([\d.]+)"/g)].map(([, y]) => Number(y))
    expect(heights).toHaveLength(3)
    for (const [index, y] of heights.slice(1).entries()) expect(y - heights[index]!).toBeGreaterThanOrEqual(16)
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
