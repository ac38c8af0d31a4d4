import type { Key } from '../core/ports/local-tier.js'

/** Slot numbers take 24 bits of an index cell, so there are at most this many entries (V8's own `Map` ends there too). */
export const MAX_SLOTS = 0xff_ffff

const CHUNK_BITS = 14
const CHUNK_SLOTS = 1 << CHUNK_BITS
const CHUNK_MASK = CHUNK_SLOTS - 1
const FIRST_CHUNK_SLOTS = 64

/** Words of a record. */
export const HASH = 0
export const PREVIOUS = 1
export const NEXT = 2
/** The group in the low 24 bits, flags of the eviction above. */
export const GROUP = 3
/** Milliseconds since the group's `freshBase`, unsigned. */
export const FRESH = 4
/** Milliseconds since the group's `storedBase`. */
export const STORED = 5
const COMMON_WORDS = 6

export const GROUP_MASK = 0xff_ffff
export const FLAGS_SHIFT = 24

export interface SlotsLayout {
  /** Keep each entry's size in bytes. */
  sized: boolean
  /** Words that the eviction keeps for an entry. */
  evictionWords: number
}

/**
 * Where entries are: numbered slots from 1 (0 means none). A slot has a record of a few 32-bit words and a pair (key,
 * value). A record lies in one or two cache lines, and there is no object for an entry. Slots come in chunks that are
 * never copied (but the first, while it is small), so that growing never takes long.
 */
export class Slots {
  stride: number
  /** Position of the size in a record, -1 if sizes aren't kept. */
  readonly sizeWord: number
  /** Position of the eviction's own words in a record. */
  readonly evictionWord: number
  readonly records: Int32Array[] = []
  readonly pairs: unknown[][] = []
  /** Slots in use. */
  count = 0
  /** Slots up to here have been used at least once. */
  top = 0
  #firstFree = 0
  #allocated = 0

  constructor({ sized, evictionWords }: SlotsLayout) {
    this.sizeWord = sized ? COMMON_WORDS : -1
    this.evictionWord = COMMON_WORDS + (sized ? 1 : 0)
    this.stride = this.evictionWord + evictionWords
  }

  /** The chunk that holds the record of `slot`; the record begins there at `at(slot)`. */
  chunk(slot: number): Int32Array {
    return this.records[slot >>> CHUNK_BITS]!
  }

  at(slot: number): number {
    return (slot & CHUNK_MASK) * this.stride
  }

  read(slot: number, word: number): number {
    return this.records[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * this.stride + word]!
  }

  write(slot: number, word: number, value: number): void {
    this.records[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * this.stride + word] = value
  }

  group(slot: number): number {
    return this.read(slot, GROUP) & GROUP_MASK
  }

  /** What an entry counts towards a share of the whole: its bytes, or 1 where sizes aren't kept. */
  weight(slot: number): number {
    return this.sizeWord < 0 ? 1 : this.read(slot, this.sizeWord) >>> 0
  }

  flags(slot: number): number {
    return this.read(slot, GROUP) >>> FLAGS_SHIFT
  }

  setFlags(slot: number, flags: number): void {
    this.write(slot, GROUP, this.group(slot) | (flags << FLAGS_SHIFT))
  }

  setGroup(slot: number, group: number): void {
    this.write(slot, GROUP, (this.read(slot, GROUP) & ~GROUP_MASK) | group)
  }

  key(slot: number): Key {
    return this.pairs[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) << 1] as Key
  }

  value(slot: number): unknown {
    return this.pairs[slot >>> CHUNK_BITS]![((slot & CHUNK_MASK) << 1) + 1]
  }

  setValue(slot: number, value: unknown): void {
    this.pairs[slot >>> CHUNK_BITS]![((slot & CHUNK_MASK) << 1) + 1] = value
  }

  /** Takes a free slot for a key. Its record holds nothing yet but the hash. */
  take(key: Key, hash: number): number {
    let slot = this.#firstFree
    if (slot === 0) {
      slot = ++this.top
      if (slot >= this.#allocated) this.#grow()
    } else {
      this.#firstFree = this.read(slot, NEXT)
    }
    this.records[slot >>> CHUNK_BITS]!.fill(0, this.at(slot), this.at(slot) + this.stride)
    this.write(slot, HASH, hash)
    this.pairs[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) << 1] = key
    this.count++
    return slot
  }

  release(slot: number): void {
    const pair = (slot & CHUNK_MASK) << 1
    const pairs = this.pairs[slot >>> CHUNK_BITS]!
    pairs[pair] = undefined
    pairs[pair + 1] = undefined
    this.write(slot, GROUP, 0)
    this.write(slot, NEXT, this.#firstFree)
    this.#firstFree = slot
    this.count--
  }

  isLive(slot: number): boolean {
    return this.group(slot) !== 0
  }

  /** Room for another number of words of the eviction. Lists, flags and those words begin empty. */
  relayout(evictionWords: number): void {
    const before = this.stride
    this.stride = this.evictionWord + evictionWords
    for (let chunk = 0; chunk < this.records.length; chunk++) {
      const from = this.records[chunk]!
      const to = new Int32Array((from.length / before) * this.stride)
      for (let read = 0, write = 0; read < from.length; read += before, write += this.stride) {
        for (let word = 0; word < this.evictionWord; word++) to[write + word] = from[read + word]!
        to[write + GROUP]! &= GROUP_MASK
      }
      this.records[chunk] = to
    }
  }

  /** Free slots, for checks. */
  *free(): Iterable<number> {
    for (let slot = this.#firstFree; slot !== 0; slot = this.read(slot, NEXT)) yield slot
  }

  #grow(): void {
    const first = this.records[0]
    if (first === undefined || this.#allocated < CHUNK_SLOTS) {
      const slots = first === undefined ? FIRST_CHUNK_SLOTS : this.#allocated * 2
      const records = new Int32Array(slots * this.stride)
      if (first !== undefined) records.set(first)
      this.records[0] = records
      this.pairs[0] = extendPairs(this.pairs[0] ?? [], slots)
      this.#allocated = slots
      return
    }
    this.records.push(new Int32Array(CHUNK_SLOTS * this.stride))
    this.pairs.push(extendPairs([], CHUNK_SLOTS))
    this.#allocated += CHUNK_SLOTS
  }
}

/** Filled with `undefined` at once, so that V8 keeps one kind of elements whatever values come. */
function extendPairs(pairs: readonly unknown[], slots: number): unknown[] {
  const extended = new Array<unknown>(slots * 2).fill(undefined)
  for (let at = 0; at < pairs.length; at++) extended[at] = pairs[at]
  return extended
}
