import type { Key } from '../core/ports/local-tier.js'

/** Slot numbers take 24 bits of an index cell, so there are at most this many entries (V8's own `Map` ends there too). */
export const MAX_SLOTS = 0xff_ffff

/**
 * Words of a record, and how pairs lie in chunks. The hot path reads `records` and `pairs` itself, since V8 stops
 * inlining at some size; it copies these into constants of its own module, since V8 folds those, but loads and checks
 * imported ones each time.
 */
export const LAYOUT = {
  HASH: 0,
  OLDER: 1,
  NEWER: 2,
  /** The group in the low 24 bits, seven flags of the eviction above, and whether it is among the hot entries. */
  GROUP: 3,
  GROUP_MASK: 0xff_ffff,
  FLAGS_SHIFT: 24,
  FLAGS_MASK: 0x7f,
  HOT: 1 << 31,
  /** Milliseconds since the group's base of freshness, unsigned. */
  FRESH: 4,
  /** Milliseconds since the group's base of storing. */
  STORED: 5,
  CHUNK_BITS: 14,
  CHUNK_MASK: (1 << 14) - 1,
} as const

const { HASH, OLDER, NEWER, GROUP, GROUP_MASK, FLAGS_SHIFT, FLAGS_MASK, HOT, FRESH, STORED, CHUNK_BITS, CHUNK_MASK } =
  LAYOUT
const CHUNK_SLOTS = 1 << CHUNK_BITS
const COMMON_WORDS = 6
/** Beside a slot number in a tenant's list. */
const VISITED = 1 << 31

const FIRST_SLOTS = 64
const GROWTH = 1.5
const SAMPLED_KEYS = 768

export interface SlotsLayout {
  /** Keep each entry's size in bytes. */
  isSized: boolean
  /** Keep a list of each tenant's entries. */
  isByTenant: boolean
  /** Words that the eviction keeps for an entry: none or one. */
  evictionWords: 0 | 1
  /** The most slots there will be in use. */
  expected: number
}

/**
 * Where entries are: numbered slots from 1 (0 means none). A slot has a record of a few 32-bit words in one or two cache
 * lines, and a pair (key, value). There is no object for an entry.
 *
 * Records lie in one array, which is the quickest to read; it grows by a plain copy of memory, a few milliseconds at a
 * million entries. Copying references is dear, so pairs lie in chunks that are never copied (but the first, while small).
 */
export class Slots {
  records = new Int32Array(0)
  readonly pairs: unknown[][] = []
  /** Words of a record. */
  stride = COMMON_WORDS
  /** Position of the size in a record, -1 if sizes aren't kept. */
  #bytesWord = -1
  /** Position of the two words of the tenant's list in a record, -1 if there is none. */
  #tenantWord = -1
  /** Position of the eviction's own word in a record. */
  noteWord = COMMON_WORDS
  /** Slots in use. */
  count = 0
  /** Slots up to here have been used at least once. */
  top = 0
  #firstFree = 0
  #most = 0
  #roomForRecords = 0
  #roomForPairs = 0

  constructor({ isSized, isByTenant, evictionWords, expected }: SlotsLayout) {
    if (isSized) this.#bytesWord = this.noteWord++
    if (isByTenant) {
      this.#tenantWord = this.noteWord
      this.noteWord += 2
    }
    this.stride = this.noteWord + evictionWords
    this.#most = expected + 1
  }

  /** Bytes of a record. */
  get recordBytes(): number {
    return this.stride * Int32Array.BYTES_PER_ELEMENT
  }

  hash(slot: number): number {
    return this.records[slot * this.stride + HASH]!
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
    return this.records[slot * this.stride + GROUP]! & GROUP_MASK
  }

  setGroup(slot: number, group: number): void {
    this.records[slot * this.stride + GROUP] = (this.records[slot * this.stride + GROUP]! & ~GROUP_MASK) | group
  }

  /** Seven bits that the eviction uses as it likes. */
  flags(slot: number): number {
    return (this.records[slot * this.stride + GROUP]! >>> FLAGS_SHIFT) & FLAGS_MASK
  }

  setFlags(slot: number, flags: number): void {
    const word = slot * this.stride + GROUP
    this.records[word] = (this.records[word]! & ~(FLAGS_MASK << FLAGS_SHIFT)) | (flags << FLAGS_SHIFT)
  }

  isHot(slot: number): boolean {
    return this.records[slot * this.stride + GROUP]! < 0
  }

  setHot(slot: number): void {
    this.records[slot * this.stride + GROUP]! |= HOT
  }

  /** A word that the eviction uses as it likes, if its layout asked for one. */
  note(slot: number): number {
    return this.records[slot * this.stride + this.noteWord]!
  }

  setNote(slot: number, note: number): void {
    this.records[slot * this.stride + this.noteWord] = note
  }

  /** Milliseconds since the group's base of freshness. */
  fresh(slot: number): number {
    return this.records[slot * this.stride + FRESH]! >>> 0
  }

  /** Milliseconds since the group's base of storing. */
  stored(slot: number): number {
    return this.records[slot * this.stride + STORED]!
  }

  /** 0 where sizes aren't kept. */
  bytes(slot: number): number {
    return this.#bytesWord < 0 ? 0 : this.records[slot * this.stride + this.#bytesWord]! >>> 0
  }

  setBytes(slot: number, bytes: number): void {
    if (this.#bytesWord >= 0) this.records[slot * this.stride + this.#bytesWord] = bytes | 0
  }

  /** What an entry counts towards a share of the whole: its bytes, or 1 where sizes aren't kept. */
  weight(slot: number): number {
    return this.#bytesWord < 0 ? 1 : this.records[slot * this.stride + this.#bytesWord]! >>> 0
  }

  /** Neighbours in the list that the slot is in. */
  older(slot: number): number {
    return this.records[slot * this.stride + OLDER]!
  }

  setOlder(slot: number, older: number): void {
    this.records[slot * this.stride + OLDER] = older
  }

  newer(slot: number): number {
    return this.records[slot * this.stride + NEWER]!
  }

  setNewer(slot: number, newer: number): void {
    this.records[slot * this.stride + NEWER] = newer
  }

  /** Neighbours in the list of the tenant's entries. */
  tenantOlder(slot: number): number {
    return this.records[slot * this.stride + this.#tenantWord]! & ~VISITED
  }

  /** Also: not read yet. */
  setTenantOlder(slot: number, older: number): void {
    this.records[slot * this.stride + this.#tenantWord] = older
  }

  /** Keeps whether it was read. */
  relinkTenantOlder(slot: number, older: number): void {
    const word = slot * this.stride + this.#tenantWord
    this.records[word] = (this.records[word]! & VISITED) | older
  }

  tenantNewer(slot: number): number {
    return this.records[slot * this.stride + this.#tenantWord + 1]!
  }

  setTenantNewer(slot: number, newer: number): void {
    this.records[slot * this.stride + this.#tenantWord + 1] = newer
  }

  /** Read since the tenant's hand came past. */
  visit(slot: number): void {
    this.records[slot * this.stride + this.#tenantWord]! |= VISITED
  }

  /** Whether it was read since the tenant's hand came past; from now on it wasn't. */
  takeVisit(slot: number): boolean {
    const word = slot * this.stride + this.#tenantWord
    const isVisited = this.records[word]! < 0
    this.records[word]! &= ~VISITED
    return isVisited
  }

  /** Takes a free slot. It has no group, no flags and no size yet. */
  take(key: Key, value: unknown, hash: number): number {
    let slot = this.#firstFree
    if (slot === 0) {
      slot = ++this.top
      if (slot >= this.#roomForRecords) this.#growRecords()
      if (slot >= this.#roomForPairs) this.#growPairs()
    } else {
      this.#firstFree = this.records[slot * this.stride + NEWER]!
    }
    const record = slot * this.stride
    const pairs = this.pairs[slot >>> CHUNK_BITS]!
    const pair = (slot & CHUNK_MASK) << 1
    this.records[record + HASH] = hash
    this.records[record + GROUP] = 0
    if (this.#bytesWord >= 0) this.records[record + this.#bytesWord] = 0
    pairs[pair] = key
    pairs[pair + 1] = value
    this.count++
    return slot
  }

  release(slot: number): void {
    const pair = (slot & CHUNK_MASK) << 1
    const pairs = this.pairs[slot >>> CHUNK_BITS]!
    pairs[pair] = undefined
    pairs[pair + 1] = undefined
    this.records[slot * this.stride + GROUP] = 0
    this.setNewer(slot, this.#firstFree)
    this.#firstFree = slot
    this.count--
  }

  /** Text keys of several hundred slots, picked as by chance: even steps would pick keys that differ where few do. */
  sampleKeys(): string[] {
    const keys: string[] = []
    for (let pick = 1; pick <= Math.min(this.top, SAMPLED_KEYS); pick++) {
      const slot = this.top <= SAMPLED_KEYS ? pick : 1 + (scattered(pick) % this.top)
      const key = this.isLive(slot) ? this.key(slot) : undefined
      if (typeof key === 'string') keys.push(key)
    }
    return keys
  }

  isLive(slot: number): boolean {
    return this.group(slot) !== 0
  }

  /** Room for another number of words of the eviction. Lists, flags and those words begin empty. */
  relayout(evictionWords: 0 | 1): void {
    const from = this.records
    const before = this.stride
    this.stride = this.noteWord + evictionWords
    const to = new Int32Array(this.#roomForRecords * this.stride)
    for (let read = 0, write = 0; read < from.length; read += before, write += this.stride) {
      for (let word = 0; word < this.noteWord; word++) to[write + word] = from[read + word]!
      to[write + GROUP]! &= ~(FLAGS_MASK << FLAGS_SHIFT)
    }
    this.records = to
  }

  /** Free slots, for checks. */
  *free(): Iterable<number> {
    for (let slot = this.#firstFree; slot !== 0; slot = this.records[slot * this.stride + NEWER]!) yield slot
  }

  #growRecords(): void {
    const slots = Math.min(Math.ceil(Math.max(FIRST_SLOTS, this.#roomForRecords * GROWTH)), this.#most)
    const records = new Int32Array(slots * this.stride)
    records.set(this.records)
    this.records = records
    this.#roomForRecords = slots
  }

  #growPairs(): void {
    if (this.#roomForPairs >= CHUNK_SLOTS) {
      this.pairs.push(extendPairs([], CHUNK_SLOTS))
      this.#roomForPairs += CHUNK_SLOTS
      return
    }
    this.#roomForPairs = Math.max(FIRST_SLOTS, this.#roomForPairs * 2)
    this.pairs[0] = extendPairs(this.pairs[0] ?? [], this.#roomForPairs)
  }
}

/** Filled with `undefined` at once, so that V8 keeps one kind of elements whatever values come. */
function extendPairs(pairs: readonly unknown[], slots: number): unknown[] {
  const extended = new Array<unknown>(slots * 2).fill(undefined)
  for (let at = 0; at < pairs.length; at++) extended[at] = pairs[at]
  return extended
}

function scattered(pick: number): number {
  const spread = Math.imul(pick ^ (pick >>> 3), 0x7feb352d)
  return Math.imul(spread ^ (spread >>> 15), 0x2c1b3c6d) >>> 0
}
