import { charCodeAt } from '../core/char-code-at.js'
import type { Key } from '../core/ports/local-tier.js'
import type { Random } from '../core/ports/random.js'

/** Characters with a factor of their own; longer keys use the factors again, mixed once a round. */
const POSITIONS = 64

/** Spreads the sum over all bits: the index takes the high ones for the place and the low ones for the mark. */
const mix = (sum: number): number => {
  const spread = Math.imul(sum ^ (sum >>> 16), 0x7feb352d)
  return spread ^ (spread >>> 15)
}

/**
 * Hashes (space id, key) to 32 bits.
 *
 * Multilinear hashing: the sum of character × secret random factor of its position. Any two keys that were chosen
 * without knowing the factors collide with a probability of at most 2^-16, so nobody can prepare keys that fall
 * together, and the products don't wait for each other as they do in FNV or Murmur.
 *
 * D. Lemire, O. Kaser, "Strongly universal string hashing is fast", 2014: https://arxiv.org/abs/1202.4961
 */
export class KeyHash {
  readonly #factors = new Int32Array(POSITIONS)
  #ofSpace = 0
  #ofLength = 0
  #ofHighBits = 0

  constructor(random: Random) {
    for (let position = 0; position < POSITIONS; position++) this.#factors[position] = randomInt32(random)
    this.#ofSpace = randomInt32(random)
    this.#ofLength = randomInt32(random)
    this.#ofHighBits = randomInt32(random)
  }

  of(spaceId: number, key: Key): number {
    return typeof key === 'string' ? this.ofText(spaceId, key) : this.ofInteger(spaceId, key)
  }

  ofText(spaceId: number, key: string): number {
    const { length } = key
    const sum = (Math.imul(spaceId, this.#ofSpace) + Math.imul(length, this.#ofLength)) | 0
    return mix(length <= POSITIONS ? this.#add(sum, key, 0, length) : this.#addLong(sum, key))
  }

  ofInteger(spaceId: number, key: number): number {
    const low = key | 0
    const sum = (Math.imul(spaceId | 0, this.#ofSpace) + Math.imul(low, this.#factors[0]!)) | 0
    return mix(low === key ? sum : (sum + Math.imul(Math.floor(key / 0x1_0000_0000), this.#ofHighBits)) | 0)
  }

  #add(start: number, key: string, from: number, to: number): number {
    const factors = this.#factors
    let sum = start
    let at = from
    // Four at a time: a third of the loop's work would be the loop itself.
    for (; at <= to - 4; at += 4) {
      sum =
        (sum +
          Math.imul(charCodeAt(key, at), factors[at - from]!) +
          Math.imul(charCodeAt(key, at + 1), factors[at - from + 1]!) +
          Math.imul(charCodeAt(key, at + 2), factors[at - from + 2]!) +
          Math.imul(charCodeAt(key, at + 3), factors[at - from + 3]!)) |
        0
    }
    for (; at < to; at++) sum = (sum + Math.imul(charCodeAt(key, at), factors[at - from]!)) | 0
    return sum
  }

  #addLong(start: number, key: string): number {
    let sum = start
    for (let from = 0; from < key.length; from += POSITIONS) {
      sum = mix(this.#add(sum, key, from, Math.min(from + POSITIONS, key.length)))
    }
    return sum
  }
}

function randomInt32(random: Random): number {
  return Math.floor(random.next() * 0x1_0000_0000) | 0
}
