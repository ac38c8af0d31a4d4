import { SOFT } from './record.js'

/** Numbers in an entry's row: hash low, hash high, offset, record length, expires at, segment slot and marks. */
const ROW = 6
const SHARDS = 64
const FIRST_CAPACITY = 16
const MAX_LOAD = 0.8
const GROWTH = 1.3
/** How much more than its share a shard may get, when entries fall to shards by their hash. */
const UNEVEN = 1.05
const MARKS_SHIFT = 16

/** A row's marks beside the record's own flags (the low bits): how often it was used since it was written, 0 to 3. */
const USES_SHIFT = 4
const MAX_USES = 3

/** Most segments that a row can tell apart. */
export const MAX_SEGMENT_SLOTS = 0x1_0000

/** To pass a row by is cheaper than to do something about it. */
const WORK_OF_A_ROW = 20

/** What a shard is made of, so that a worker can build an index and hand it over without a copy. */
export interface IndexParts {
  readonly seed: number
  readonly shards: readonly { readonly rows: Uint32Array; readonly count: number }[]
}

interface Shard {
  rows: Uint32Array
  capacity: number
  count: number
}

/**
 * Where each key's newest record lies. Open addressing in typed arrays, 24 bytes a row and at most 39 an entry; keys
 * themselves stay on disk, where their record is checked. Growing moves a 64th of the entries at a time.
 *
 * `find` leaves a cursor on the row it found; the getters and `remove` belong to that row until the next `find`, `put`
 * or `remove`.
 */
export class DiskIndex {
  readonly #shards: Shard[]
  /** Secret places: keys that fall together here cannot be prepared. */
  readonly #seed: number
  #shard!: Shard
  #at = 0
  #size = 0

  /** `expected`: entries that it has room for from the beginning. */
  constructor(from: number | IndexParts, expected = 0) {
    this.#seed = typeof from === 'number' ? from : from.seed
    const capacity = Math.max(FIRST_CAPACITY, Math.ceil((expected / SHARDS / MAX_LOAD) * UNEVEN))
    this.#shards =
      typeof from === 'number'
        ? Array.from({ length: SHARDS }, () => emptyShard(capacity))
        : from.shards.map(({ rows, count }) => ({ rows, count, capacity: rows.length / ROW }))
    this.#shard = this.#shards[0]!
    for (const { count } of this.#shards) this.#size += count
  }

  get size(): number {
    return this.#size
  }

  /** Bytes of all rows. */
  get bytes(): number {
    return this.#shards.reduce((total, { rows }) => total + rows.byteLength, 0)
  }

  parts(): IndexParts {
    return { seed: this.#seed, shards: this.#shards.map(({ rows, count }) => ({ rows, count })) }
  }

  find(low: number, high: number): boolean {
    const shard = this.#shards[high >>> 26]!
    this.#shard = shard
    const { rows, capacity } = shard
    let place = this.#place(low, high, capacity)
    for (;;) {
      const at = place * ROW
      if (rows[at + 3] === 0) {
        this.#at = at
        return false
      }
      if (rows[at] === low && rows[at + 1] === high) {
        this.#at = at
        return true
      }
      if (++place === capacity) place = 0
    }
  }

  get offset(): number {
    return this.#shard.rows[this.#at + 2]!
  }

  get length(): number {
    return this.#shard.rows[this.#at + 3]!
  }

  get expiresAt(): number {
    return this.#shard.rows[this.#at + 4]!
  }

  get segment(): number {
    return this.#shard.rows[this.#at + 5]! & 0xffff
  }

  get flags(): number {
    return (this.#shard.rows[this.#at + 5]! >>> MARKS_SHIFT) & 0xf
  }

  get uses(): number {
    return (this.#shard.rows[this.#at + 5]! >>> (MARKS_SHIFT + USES_SHIFT)) & MAX_USES
  }

  /** The found row, as it is now. */
  row(): FoundRow {
    return rowAt(this.#shard.rows, this.#at)
  }

  /** True if the found row still is the record at this place. */
  isAt(segment: number, offset: number): boolean {
    return this.segment === segment && this.offset === offset
  }

  use(): void {
    if (this.uses < MAX_USES) this.#shard.rows[this.#at + 5]! += 1 << (MARKS_SHIFT + USES_SHIFT)
  }

  /** Of two softenings the first counts. */
  soften(expiresAt: number): void {
    if (this.flags & SOFT) return
    const { rows } = this.#shard
    rows[this.#at + 5]! |= SOFT << MARKS_SHIFT
    rows[this.#at + 4] = Math.min(rows[this.#at + 4]!, expiresAt)
  }

  put(low: number, high: number, row: Omit<IndexRow, 'uses'> & { readonly uses?: number }): void {
    if (!this.find(low, high)) {
      const shard = this.#shard
      if ((shard.count + 1) / shard.capacity > MAX_LOAD) {
        this.#resize(shard, Math.ceil(shard.capacity * GROWTH))
        this.find(low, high)
      }
      shard.count++
      this.#size++
    }
    const { rows } = this.#shard
    const at = this.#at
    rows[at] = low
    rows[at + 1] = high
    rows[at + 2] = row.offset
    rows[at + 3] = row.length
    rows[at + 4] = row.expiresAt
    rows[at + 5] = row.segment | ((row.flags | ((row.uses ?? 0) << USES_SHIFT)) << MARKS_SHIFT)
  }

  /** Removes the found row; later ones of its run move up, so that no gap cuts it. */
  remove(): void {
    const shard = this.#shard
    const { rows, capacity } = shard
    let gap = this.#at / ROW
    let place = gap
    for (;;) {
      if (++place === capacity) place = 0
      const at = place * ROW
      if (rows[at + 3] === 0) break
      const home = this.#place(rows[at]!, rows[at + 1]!, capacity)
      const mayMove = gap <= place ? home <= gap || home > place : home <= gap && home > place
      if (!mayMove) continue
      rows.copyWithin(gap * ROW, at, at + ROW)
      gap = place
    }
    rows.fill(0, gap * ROW, (gap + 1) * ROW)
    shard.count--
    this.#size--
  }

  /** Gives back the room of a shard that turned out to be expected too large. */
  fit(): void {
    for (const shard of this.#shards) {
      const capacity = Math.max(FIRST_CAPACITY, Math.ceil((shard.count / MAX_LOAD) * UNEVEN))
      if (capacity * GROWTH < shard.capacity) this.#resize(shard, capacity)
    }
  }

  /** Every row, in no order. Rows must not be added or removed meanwhile. */
  forEach(visit: (row: IndexRow, low: number, high: number) => void): void {
    for (const { rows } of this.#shards) {
      for (let at = 0; at < rows.length; at += ROW) {
        if (rows[at + 3] !== 0) visit(rowAt(rows, at), rows[at]!, rows[at + 1]!)
      }
    }
  }

  /**
   * Rows of one segment, some at a time: between two steps rows may come and go, and each step tells what is there then.
   * Its work is to be counted as rows looked at.
   */
  *inSegment(segment: number): Generator<{ readonly rows: FoundRow[]; readonly work: number }> {
    for (const shard of this.#shards) {
      const { rows } = shard
      const found: FoundRow[] = []
      for (let at = 0; at < rows.length; at += ROW) {
        if ((rows[at + 5]! & 0xffff) !== segment || rows[at + 3] === 0) continue
        found.push(rowAt(rows, at))
      }
      yield { rows: found, work: shard.capacity + found.length * WORK_OF_A_ROW }
    }
  }

  #place(low: number, high: number, capacity: number): number {
    let mixed = Math.imul(low ^ this.#seed, 0x9e3779b1) ^ high
    mixed = Math.imul(mixed ^ (mixed >>> 15), this.#seed | 1)
    return Math.floor((((mixed ^ (mixed >>> 16)) >>> 0) / 0x1_0000_0000) * capacity)
  }

  #resize(shard: Shard, capacity: number): void {
    const old = shard.rows
    const rows = new Uint32Array(capacity * ROW)
    for (let at = 0; at < old.length; at += ROW) {
      if (old[at + 3] === 0) continue
      let place = this.#place(old[at]!, old[at + 1]!, capacity)
      while (rows[place * ROW + 3] !== 0) if (++place === capacity) place = 0
      for (let field = 0; field < ROW; field++) rows[place * ROW + field] = old[at + field]!
    }
    shard.rows = rows
    shard.capacity = capacity
  }
}

export interface IndexRow {
  /** Slot of its segment. */
  readonly segment: number
  readonly offset: number
  readonly length: number
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
  /** The record's flags. */
  readonly flags: number
  readonly uses: number
}

export interface FoundRow extends IndexRow {
  readonly low: number
  readonly high: number
}

function rowAt(rows: Uint32Array, at: number): FoundRow {
  const marks = rows[at + 5]!
  return {
    low: rows[at]!,
    high: rows[at + 1]!,
    segment: marks & 0xffff,
    offset: rows[at + 2]!,
    length: rows[at + 3]!,
    expiresAt: rows[at + 4]!,
    flags: (marks >>> MARKS_SHIFT) & 0xf,
    uses: (marks >>> (MARKS_SHIFT + USES_SHIFT)) & MAX_USES,
  }
}

function emptyShard(capacity: number): Shard {
  return { rows: new Uint32Array(capacity * ROW), capacity, count: 0 }
}
