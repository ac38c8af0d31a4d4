const MIN_BITS = 8
/** At most 32,768 places, 1.5 MB: the keys that most reads are for. */
const MAX_BITS = 15

/** Words of a place: half a cache line. */
const STRIDE_BITS = 3
const MARK = 0
const SLOT = 1
const SPACE_ID = 2
/** The namespace's sequence at which the entry was judged. */
const SEEN = 3
/** End of its fresh life, in steps of 16 ms rounded down: a small integer for 397 days. */
const FRESH_UNTIL = 4
/** 1 = read since it was put here or last defended its place. */
const WARM = 5

const STEPS_A_MS = 1 / 16
const MAX_STEPS = 0x7fff_ffff

/** What a look-up found, to be found again. */
export interface FoundEntry {
  readonly spaceId: number
  readonly key: string
  readonly value: unknown
  readonly slot: number
  readonly sequence: number
  readonly freshUntilMs: number
}

/**
 * In front of the index: a direct-mapped table of what the latest look-ups of text keys found. A key that is asked for
 * again and again needs neither a hash over all its characters nor the way through index, group and record: a few characters
 * make its mark, and all that a fresh answer needs lies in two cache lines.
 *
 * Whoever changes an entry calls `forget`; invalidations by tag or clear show in the sequence. Who was read lately
 * keeps its place once against another key, so that a crowd of keys that are read once does not wear the table out.
 */
export class HotEntries {
  #shift = 32 - MIN_BITS
  #words = new Int32Array(1 << (MIN_BITS + STRIDE_BITS))
  /** Key and value of each place. */
  #pairs = emptyPairs(1 << MIN_BITS)

  /** Of the length, the last four characters and the fifth to eighth: where keys differ most often. Never 0. */
  markOf(spaceId: number, key: string): number {
    const { length } = key
    let sum = Math.imul(length, 0x27d4eb2f) + Math.imul(spaceId, 0x165667b1)
    if (length > 7) {
      sum +=
        Math.imul(key.charCodeAt(length - 1), 0x2c1b3c6d) +
        Math.imul(key.charCodeAt(length - 2), 0x297a2d39) +
        Math.imul(key.charCodeAt(length - 3), 0x7feb352d) +
        Math.imul(key.charCodeAt(length - 4), 0x1b873593) +
        Math.imul(key.charCodeAt(4), 0x3c6ef372) +
        Math.imul(key.charCodeAt(5), 0x5bd1e995) +
        Math.imul(key.charCodeAt(6), 0x38b34ae5) +
        Math.imul(key.charCodeAt(7), 0x4cf5ad43)
    } else for (let at = 0; at < length; at++) sum = (Math.imul(sum, 31) + key.charCodeAt(at)) | 0
    return Math.imul(sum ^ (sum >>> 15), -0x61c8864f) | 1
  }

  /** The slot of an entry that is fresh and was judged at this sequence, 0 if there is none. */
  find(mark: number, spaceId: number, key: string, sequence: number, nowMs: number): number {
    const place = mark >>> this.#shift
    const at = place << STRIDE_BITS
    const words = this.#words
    if (
      words[at] !== mark ||
      words[at + SPACE_ID] !== spaceId ||
      words[at + SEEN] !== (sequence | 0) ||
      nowMs * STEPS_A_MS >= words[at + FRESH_UNTIL]! ||
      this.#pairs[place << 1] !== key
    ) {
      return 0
    }
    if (words[at + WARM] === 0) words[at + WARM] = 1
    return words[at + SLOT]!
  }

  /** The value of what `find` has just found. */
  value(mark: number): unknown {
    return this.#pairs[((mark >>> this.#shift) << 1) + 1]
  }

  note(mark: number, found: FoundEntry): void {
    const place = mark >>> this.#shift
    const at = place << STRIDE_BITS
    const words = this.#words
    if (words[at + WARM] === 1 && this.#pairs[place << 1] !== found.key) {
      words[at + WARM] = 0
      return
    }
    words[at + MARK] = mark
    words[at + SLOT] = found.slot
    words[at + SPACE_ID] = found.spaceId
    words[at + SEEN] = found.sequence
    words[at + FRESH_UNTIL] = Math.min(Math.floor(found.freshUntilMs * STEPS_A_MS), MAX_STEPS)
    this.#pairs[place << 1] = found.key
    this.#pairs[(place << 1) + 1] = found.value
  }

  /** The entry in `slot` changes or goes. */
  forget(spaceId: number, key: string, slot: number): void {
    const mark = this.markOf(spaceId, key)
    const place = mark >>> this.#shift
    const at = place << STRIDE_BITS
    if (this.#words[at] !== mark || this.#words[at + SLOT] !== slot) return
    this.#words.fill(0, at, at + (1 << STRIDE_BITS))
    this.#pairs[place << 1] = undefined
    this.#pairs[(place << 1) + 1] = undefined
  }

  /** Room for the hottest of so many entries. What was known is forgotten when it grows. */
  ensureRoom(entries: number): void {
    let bits = 32 - this.#shift
    if (bits === MAX_BITS || entries <= 1 << (bits - 2)) return
    while (bits < MAX_BITS && entries > 1 << (bits - 2)) bits++
    this.#shift = 32 - bits
    this.#words = new Int32Array(1 << (bits + STRIDE_BITS))
    this.#pairs = emptyPairs(1 << bits)
  }
}

function emptyPairs(places: number): unknown[] {
  return new Array<unknown>(places * 2).fill(undefined)
}
