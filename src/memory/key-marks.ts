import { charCodeAt } from '../core/char-code-at.js'

/** Characters that make a mark: few, because each one read from a concatenated text costs a step through it. */
const LEAST = 4
const MOST = 6
/** Where to look for them: so many from the start, so many from the end. */
const FROM_START = 24
const FROM_END = 12
/** Longer keys are read as if they ended here. The cache's own keys never are. */
const LONGEST = 254
/** A row of the table of indexes; what is not used holds `NONE`. */
const ROW_BITS = 3
const NONE = 255
const CANDIDATES = [
  ...Array.from({ length: FROM_START }, (_, at) => at),
  ...Array.from({ length: FROM_END }, (_, back) => -1 - back),
]
/** To count kinds of keys by: so many that few of them meet. */
const PLACES_A_KEY = 32
/** One more character must tell apart this share of the keys that the others don't. */
const LEAST_GAIN = 0.01

/**
 * A quick mark of a text key: its length, its space and the few characters that tell the keys of this cache apart.
 * Which ones is learned from the keys themselves, so that `org:12:unit:3`, `session:<uuid>` and `user:77:profile` are
 * each read where they differ. A position counts from the start, or, if negative, from the end.
 *
 * Marks only choose a place to look at: who finds something there compares the whole key.
 */
export class KeyMarks {
  #positions: readonly number[] = [-1, -2, 4, 5]
  /** For each length of a key, where its characters stand: read here instead of reckoned at each look-up. */
  #indexes = indexTable(this.#positions)

  /** The positions in use, in no order. */
  get positions(): readonly number[] {
    return this.#positions
  }

  of(spaceId: number, key: string): number {
    const { length } = key
    let sum = (Math.imul(length, 0x27d4eb2f) + Math.imul(spaceId, 0x165667b1)) | 0
    if (length !== 0) {
      const indexes = this.#indexes
      const at = Math.min(length, LONGEST) << ROW_BITS
      sum =
        (sum +
          Math.imul(charCodeAt(key, indexes[at]!), 0x2c1b3c6d) +
          Math.imul(charCodeAt(key, indexes[at + 1]!), 0x297a2d39) +
          Math.imul(charCodeAt(key, indexes[at + 2]!), 0x7feb352d) +
          Math.imul(charCodeAt(key, indexes[at + 3]!), 0x1b873593)) |
        0
      for (let more = at + LEAST; indexes[more] !== NONE; more++) {
        sum = (Math.imul(sum, 31) + charCodeAt(key, indexes[more]!)) | 0
      }
    }
    return Math.imul(sum ^ (sum >>> 15), -0x61c8864f)
  }

  /**
   * Chooses the positions that tell most of these keys apart, one after the other. False if they are those in use:
   * otherwise all marks made so far are void.
   */
  learn(keys: readonly string[]): boolean {
    const chosen = choosePositions(keys)
    if (chosen.length === 0 || chosen.every((position) => this.#positions.includes(position))) return false
    const others = this.#positions.filter((position) => !chosen.includes(position))
    this.#positions = [...chosen, ...others].slice(0, Math.max(LEAST, chosen.length))
    this.#indexes = indexTable(this.#positions)
    return true
  }
}

function indexTable(positions: readonly number[]): Uint8Array {
  const table = new Uint8Array((LONGEST + 1) << ROW_BITS).fill(NONE)
  for (let length = 1; length <= LONGEST; length++) {
    for (const [column, position] of positions.entries())
      table[(length << ROW_BITS) + column] = indexOf(position, length)
  }
  return table
}

/** A position that a key is too short for reads its first character. */
function indexOf(position: number, length: number): number {
  const at = position < 0 ? position + length : position
  return at >= 0 && at < length ? at : 0
}

function choosePositions(keys: readonly string[]): number[] {
  const kinds = new KindCounter(keys.length)
  const columns = CANDIDATES.map((position) => ({ position, codes: codesAt(position, keys) })).filter(
    ({ codes }) => kinds.count(codes) > 1,
  )
  const signatures = Int32Array.from(keys, (key) => key.length)
  let distinct = kinds.count(signatures)
  const chosen: number[] = []
  while (chosen.length < MOST) {
    let best: (typeof columns)[number] | undefined
    let most = distinct
    for (const column of columns) {
      const count = kinds.countFiner(signatures, column.codes)
      if (count > most) {
        most = count
        best = column
      }
    }
    if (best === undefined || most - distinct < keys.length * LEAST_GAIN) break
    chosen.push(best.position)
    distinct = most
    for (let at = 0; at < signatures.length; at++) signatures[at] = finer(signatures[at]!, best.codes[at]!)
  }
  return chosen
}

function codesAt(position: number, keys: readonly string[]): Int32Array {
  return Int32Array.from(keys, (key) => (key.length === 0 ? 0 : key.charCodeAt(indexOf(position, key.length))))
}

function finer(signature: number, code: number): number {
  return (Math.imul(signature, 0x01000193) ^ code) | 0
}

/** Counts distinct numbers, near enough: by the places that their hashes take. */
class KindCounter {
  readonly #seenAt: Uint16Array
  readonly #mask: number
  #turn = 0

  constructor(most: number) {
    const places = 1 << (32 - Math.clz32(most * PLACES_A_KEY))
    this.#seenAt = new Uint16Array(places)
    this.#mask = places - 1
  }

  count(numbers: Int32Array): number {
    this.#turn++
    let count = 0
    for (let at = 0; at < numbers.length; at++) count += this.#isNew(numbers[at]!)
    return count
  }

  /** Kinds of signatures that were made finer by these codes. */
  countFiner(signatures: Int32Array, codes: Int32Array): number {
    this.#turn++
    let count = 0
    for (let at = 0; at < signatures.length; at++) count += this.#isNew(finer(signatures[at]!, codes[at]!))
    return count
  }

  #isNew(number: number): number {
    const place = (Math.imul(number ^ (number >>> 15), 0x2c1b3c6d) >>> 8) & this.#mask
    if (this.#seenAt[place] === this.#turn) return 0
    this.#seenAt[place] = this.#turn
    return 1
  }
}
