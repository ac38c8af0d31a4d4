import type { Key } from '../core/ports/local-tier.js'

/** Slot numbers take 24 bits of an index cell, so there are at most this many entries (V8's own `Map` ends there too). */
export const MAX_SLOTS = 0xff_ffff

/**
 * How slots lie in chunks, and the words of a record. Code of the hot path reads chunks itself, since V8 stops inlining
 * at some depth; it copies these constants into its own module, since V8 folds those and loads imported ones each time.
 */
export const LAYOUT = {
  CHUNK_BITS: 14,
  CHUNK_MASK: (1 << 14) - 1,
  HASH: 0,
  OLDER: 1,
  NEWER: 2,
  /** The group in the low 24 bits, flags of the eviction above. */
  GROUP: 3,
  GROUP_MASK: 0xff_ffff,
  FLAGS_SHIFT: 24,
  /** Milliseconds since the group's base of freshness, unsigned. */
  FRESH: 4,
  /** Milliseconds since the group's base of storing. */
  STORED: 5,
} as const

const { CHUNK_BITS, CHUNK_MASK, HASH, OLDER, NEWER, GROUP, GROUP_MASK, FLAGS_SHIFT, FRESH, STORED } = LAYOUT
const CHUNK_SLOTS = 1 << CHUNK_BITS
const FIRST_CHUNK_SLOTS = 64
const COMMON_WORDS = 6

export interface SlotsLayout {
  /** Keep each entry's size in bytes. */
  isSized: boolean
  /** Words that the eviction keeps for an entry: none or one. */
  evictionWords: 0 | 1
}

/**
 * Where entries are: numbered slots from 1 (0 means none). A slot has a record of a few 32-bit words and a pair (key,
 * value). A record lies in one or two cache lines, and there is no object for an entry. Slots come in chunks that are
 * never copied (but the first, while it is small), so that growing never takes long.
 */
export class Slots {
  /** Words of a record. */
  stride = 0
  /** Position of the size in a record, -1 if sizes aren't kept. */
  #bytesWord = -1
  /** Position of the eviction's own word in a record. */
  noteWord = COMMON_WORDS
  readonly records: Int32Array[] = []
  readonly pairs: unknown[][] = []
  /** Slots in use. */
  count = 0
  /** Slots up to here have been used at least once. */
  top = 0
  #firstFree = 0
  #allocated = 0

  constructor({ isSized, evictionWords }: SlotsLayout) {
    if (isSized) this.#bytesWord = this.noteWord++
    this.stride = this.noteWord + evictionWords
  }

  /** Bytes of a record. */
  get recordBytes(): number {
    return this.stride * Int32Array.BYTES_PER_ELEMENT
  }

  hash(slot: number): number {
    return this.#read(slot, HASH)
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

  /** 0 for a free slot. */
  group(slot: number): number {
    return this.#read(slot, GROUP) & GROUP_MASK
  }

  setGroup(slot: number, group: number): void {
    this.#write(slot, GROUP, (this.#read(slot, GROUP) & ~GROUP_MASK) | group)
  }

  /** Eight bits that the eviction uses as it likes. */
  flags(slot: number): number {
    return this.#read(slot, GROUP) >>> FLAGS_SHIFT
  }

  setFlags(slot: number, flags: number): void {
    this.#write(slot, GROUP, (this.#read(slot, GROUP) & GROUP_MASK) | (flags << FLAGS_SHIFT))
  }

  /** A word that the eviction uses as it likes, if its layout asked for one. */
  note(slot: number): number {
    return this.#read(slot, this.noteWord)
  }

  setNote(slot: number, note: number): void {
    this.#write(slot, this.noteWord, note)
  }

  /** Milliseconds since the group's base of freshness. */
  fresh(slot: number): number {
    return this.#read(slot, FRESH) >>> 0
  }

  /** Milliseconds since the group's base of storing. */
  stored(slot: number): number {
    return this.#read(slot, STORED)
  }

  setTimes(slot: number, fresh: number, stored: number): void {
    this.#write(slot, FRESH, fresh | 0)
    this.#write(slot, STORED, stored)
  }

  /** 0 where sizes aren't kept. */
  bytes(slot: number): number {
    return this.#bytesWord < 0 ? 0 : this.#read(slot, this.#bytesWord) >>> 0
  }

  setBytes(slot: number, bytes: number): void {
    if (this.#bytesWord >= 0) this.#write(slot, this.#bytesWord, bytes | 0)
  }

  /** What an entry counts towards a share of the whole: its bytes, or 1 where sizes aren't kept. */
  weight(slot: number): number {
    return this.#bytesWord < 0 ? 1 : this.#read(slot, this.#bytesWord) >>> 0
  }

  /** Neighbours in the list that the slot is in. */
  older(slot: number): number {
    return this.#read(slot, OLDER)
  }

  setOlder(slot: number, older: number): void {
    this.#write(slot, OLDER, older)
  }

  newer(slot: number): number {
    return this.#read(slot, NEWER)
  }

  setNewer(slot: number, newer: number): void {
    this.#write(slot, NEWER, newer)
  }

  /** Takes a free slot for a key. Its record holds nothing yet but the hash. */
  take(key: Key, hash: number): number {
    let slot = this.#firstFree
    if (slot === 0) {
      slot = ++this.top
      if (slot >= this.#allocated) this.#grow()
    } else {
      this.#firstFree = this.#read(slot, NEWER)
    }
    const at = (slot & CHUNK_MASK) * this.stride
    this.records[slot >>> CHUNK_BITS]!.fill(0, at, at + this.stride)
    this.#write(slot, HASH, hash)
    this.pairs[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) << 1] = key
    this.count++
    return slot
  }

  release(slot: number): void {
    const pair = (slot & CHUNK_MASK) << 1
    const pairs = this.pairs[slot >>> CHUNK_BITS]!
    pairs[pair] = undefined
    pairs[pair + 1] = undefined
    this.#write(slot, GROUP, 0)
    this.#write(slot, NEWER, this.#firstFree)
    this.#firstFree = slot
    this.count--
  }

  isLive(slot: number): boolean {
    return this.group(slot) !== 0
  }

  /** Room for another number of words of the eviction. Lists, flags and those words begin empty. */
  relayout(evictionWords: 0 | 1): void {
    const before = this.stride
    this.stride = this.noteWord + evictionWords
    for (let chunk = 0; chunk < this.records.length; chunk++) {
      const from = this.records[chunk]!
      const to = new Int32Array((from.length / before) * this.stride)
      for (let read = 0, write = 0; read < from.length; read += before, write += this.stride) {
        for (let word = 0; word < this.noteWord; word++) to[write + word] = from[read + word]!
        to[write + GROUP]! &= GROUP_MASK
      }
      this.records[chunk] = to
    }
  }

  /** Free slots, for checks. */
  *free(): Iterable<number> {
    for (let slot = this.#firstFree; slot !== 0; slot = this.#read(slot, NEWER)) yield slot
  }

  #read(slot: number, word: number): number {
    return this.records[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * this.stride + word]!
  }

  #write(slot: number, word: number, value: number): void {
    this.records[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * this.stride + word] = value
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
