import type { Random } from '../core/ports/random.js'

/** A `Random` that gives the same numbers and ids for the same seed. Never for production: it can be guessed. */
export interface SeededRandom extends Random {
  readonly seed: number
  /** A whole number from 0 up to, but not including, `below`. */
  integer(below: number): number
}

/** sfc32 by Chris Doty-Humphrey (PractRand): small, fast, and good enough to schedule tests. */
export function seededRandom(seed: number): SeededRandom {
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = seed >>> 0
  let counter = Math.floor(seed / 2 ** 32) | 1
  const uint32 = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let round = 0; round < 15; round++) uint32()

  const next = (): number => (uint32() >>> 5) / 2 ** 27
  const id = (bytes: number): string =>
    Buffer.from(Array.from({ length: bytes }, () => uint32() >>> 24)).toString('base64url')
  return {
    seed,
    next,
    integer: (below) => Math.floor(next() * below),
    fillId: () => id(12),
    shortId: () => id(6),
  }
}
