import { describe, expect, it } from 'vitest'
import type { EvictionName } from '../../../src/core/ports/local-tier.js'
import { newEntry, newSpace, openTier } from './memory-fixture.js'
import { PLAIN_EVICTIONS } from './plain-evictions.ts'

interface Trace {
  name: string
  keys: Uint32Array
  unique: number
}
type References = Record<string, Record<number, Record<string, number>>>

const bench = new URL('../../../bench/hit-ratio/', import.meta.url)
const load = async <T>(name: string): Promise<T> => (await import(new URL(name, bench).href)) as T

const { loadTrace, referenceHits, traceNames } = await load<{
  loadTrace(directory: string | undefined, name: string, options?: { requests: number }): Trace
  referenceHits(directory: string | undefined): References
  traceNames(directory: string | undefined): string[]
}>('traces.mjs')
const { roomFor, SHARES } = await load<{ roomFor(share: number, whole: number): number; SHARES: number[] }>(
  'shares.mjs',
)
const { optimumHits } = await load<{ optimumHits(keys: Iterable<number>, capacity: number): number }>('optimum.mjs')

/** Short enough for every test run; the whole ones are for the bench. */
const REQUESTS = 40_000
const EXACT = ['fifo', 'lru', 'lfu', 'sieve'] as const
/** S3-FIFO remembers who left by 32-bit hashes, so it may take one key for another. */
const S3_FIFO_POINTS = 0.6

describe.each(traceNames(undefined))('hits over the synthetic trace %s', (name) => {
  const trace = loadTrace(undefined, name, { requests: REQUESTS })

  it.each(EXACT)('%s hits as often as its plain model, at every size', (eviction) => {
    expect(hitsBySize(trace, eviction)).toEqual(plainHitsBySize(trace, eviction))
  })

  it(`s3-fifo is within ${S3_FIFO_POINTS} points of its plain model, at every size`, () => {
    const distance = farthest(hitsBySize(trace, 's3-fifo'), plainHitsBySize(trace, 's3-fifo'), trace)
    expect(distance).toBeLessThanOrEqual(S3_FIFO_POINTS)
  })

  it('w-tinylfu is at most 5 points below lru, at every size', () => {
    // The window's size is learned: that takes more requests than the others need to be told apart.
    const whole = loadTrace(undefined, name)
    const lru = hitsBySize(whole, 'lru')
    const below = hitsBySize(whole, 'w-tinylfu').map((hits, index) => (100 * (lru[index]! - hits)) / whole.keys.length)
    expect(Math.max(...below)).toBeLessThanOrEqual(5)
  })
})

describe('the offline optimum', () => {
  it('is what trying every choice finds', () => {
    let seed = 1
    const next = (): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return seed >>> 16
    }
    for (let round = 0; round < 100; round++) {
      const keys = Array.from({ length: 12 }, () => next() % 6)
      const capacity = 1 + (next() % 3)
      expect({ keys, capacity, hits: optimumHits(keys, capacity) }).toEqual({
        keys,
        capacity,
        hits: bestOfAll(keys, capacity),
      })
    }
  })
})

describe.each(traceNames(undefined))('the offline optimum over the synthetic trace %s', (name) => {
  it('keeps, at each step, those that are needed again soonest', () => {
    const { keys } = loadTrace(undefined, name, { requests: 3_000 })
    for (const capacity of [1, 10, 100]) expect(optimumHits(keys, capacity)).toBe(plainOptimumHits([...keys], capacity))
  })
})

const directory = process.env.FRESHTIER_TRACES
const references = referenceHits(directory)

/** Traces that others may not ship: where a folder has them, with the hits of reference implementations. */
describe.runIf(directory)('hits over the traces of FRESHTIER_TRACES', () => {
  describe.each(Object.keys(references))('%s', (name) => {
    const trace = loadTrace(directory, name)
    const reference = (eviction: string): number[] =>
      roomsOf(trace).map((entries) => references[name]![entries]![eviction]!)

    it.each(EXACT)('%s hits as often as the reference, at every size', (eviction) => {
      expect(hitsBySize(trace, eviction)).toEqual(reference(eviction))
    })

    it(`s3-fifo is within ${S3_FIFO_POINTS} points of the reference, at every size`, () => {
      const distance = farthest(hitsBySize(trace, 's3-fifo'), reference('s3fifo'), trace)
      expect(distance).toBeLessThanOrEqual(S3_FIFO_POINTS)
    })

    it('the optimum is the reference’s, at every size', () => {
      expect(roomsOf(trace).map((entries) => optimumHits(trace.keys, entries))).toEqual(reference('min'))
    })
  })
})

function roomsOf({ unique }: Trace): number[] {
  return SHARES.map((share) => roomFor(share, unique))
}

function hitsBySize(trace: Trace, eviction: EvictionName, seed = 1): number[] {
  return roomsOf(trace).map((maxEntries) => {
    const { tier } = openTier({ maxEntries, eviction }, seed)
    const space = newSpace()
    const entry = newEntry(true)
    let hits = 0
    for (const key of trace.keys) {
      if (tier.getFresh(space, key, 0) !== undefined) hits++
      else tier.set(space, key, entry)
    }
    return hits
  })
}

function plainHitsBySize(trace: Trace, eviction: keyof typeof PLAIN_EVICTIONS): number[] {
  return roomsOf(trace).map((entries) => {
    const plain = PLAIN_EVICTIONS[eviction](entries)
    let hits = 0
    for (const key of trace.keys) if (plain.ask(key)) hits++
    return hits
  })
}

/** The largest distance in percentage points. */
function farthest(hits: number[], expected: number[], { keys }: Trace): number {
  return Math.max(...hits.map((count, index) => (100 * Math.abs(count - expected[index]!)) / keys.length))
}

/** Belady's rule, told plainly: of those held and the one just asked for, who is needed again last leaves. */
function plainOptimumHits(keys: number[], capacity: number): number {
  let held: { key: number; again: number }[] = []
  let hits = 0
  for (const [at, key] of keys.entries()) {
    const again = keys.indexOf(key, at + 1)
    if (held.some((other) => other.key === key)) hits++
    held = held.filter((other) => other.key !== key)
    held.push({ key, again: again === -1 ? Infinity : again })
    held.sort((a, b) => a.again - b.again)
    held.length = Math.min(held.length, capacity)
  }
  return hits
}

/** Hits of the best among all ways to decide at each miss who leaves, or that nobody moves in. */
function bestOfAll(keys: number[], capacity: number, at = 0, held: readonly number[] = []): number {
  if (at === keys.length) return 0
  const key = keys[at]!
  if (held.includes(key)) return 1 + bestOfAll(keys, capacity, at + 1, held)
  if (held.length < capacity) return bestOfAll(keys, capacity, at + 1, [...held, key])
  const choices = held.map((_, index) => held.with(index, key))
  return Math.max(...[held, ...choices].map((choice) => bestOfAll(keys, capacity, at + 1, choice)))
}
