import { GROUP_LAYOUT, type Groups } from './groups.js'
import { LAYOUT, type Slots } from './slots.js'

const { CHUNK_BITS, CHUNK_MASK, HASH, GROUP, GROUP_MASK } = LAYOUT
const { CHUNK_BITS: ROW_BITS, CHUNK_MASK: ROW_MASK, STRIDE: ROW_STRIDE, SPACE_ID } = GROUP_LAYOUT

const SLOT_MASK = 0xff_ffff
const MARK_SHIFT = 24
const MAX_LOAD = 0.625
/** Places behind the last home, so that a run never wraps around. */
const SPILL = 64
/** Cells moved to a larger table by each insert. */
const CELLS_A_STEP = 32

/**
 * The index: an open-addressing table of slot numbers, asked with (space id, key, hash).
 *
 * - A cell holds a slot number and eight bits of the hash (the mark), so that a probe which passes a stranger rarely
 *   looks at its record. Deleting shifts the rest of the run back; there are no tombstones.
 * - A key's home grows with its hash. When the table must grow, cells move to the larger one from the front, some with
 *   each insert; a key whose home lies before the frontier is in the larger table, any other still in the smaller one,
 *   so each look-up probes one table and no insert waits for a rehash.
 */
export class KeyIndex {
  readonly #slots: Slots
  readonly #groups: Groups
  readonly #expected: number
  #table: Table
  /** While growing: what the cells move to; otherwise the table itself. */
  #larger: Table
  /** Homes below it have moved. */
  #frontier = 0
  #count = 0

  /** `expected`: the most entries there will be, if known; a table is then never larger than they need. */
  constructor(slots: Slots, groups: Groups, expected: number) {
    this.#slots = slots
    this.#groups = groups
    this.#expected = expected
    this.#table = new Table(16)
    this.#larger = this.#table
  }

  /** The slot of a text key, 0 if there is none. */
  findText(spaceId: number, key: string, hash: number): number {
    let table = this.#table
    let at = table.home(hash)
    if (at < this.#frontier) {
      table = this.#larger
      at = table.home(hash)
    }
    const cells = table.cells
    const slots = this.#slots
    for (let cell = cells[at]!; cell !== 0; cell = cells[++at]!) {
      if ((cell ^ (hash << MARK_SHIFT)) >>> MARK_SHIFT !== 0) continue
      const slot = cell & SLOT_MASK
      const record = slots.records[slot >>> CHUNK_BITS]!
      const word = (slot & CHUNK_MASK) * slots.stride
      if (record[word + HASH] !== hash) continue
      const held = slots.pairs[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) << 1]
      if (typeof held !== 'string' || held !== key) continue
      const group = record[word + GROUP]! & GROUP_MASK
      if (this.#groups.rows[group >>> ROW_BITS]![(group & ROW_MASK) * ROW_STRIDE + SPACE_ID] === spaceId) return slot
    }
    return 0
  }

  /** The slot of an integer key, 0 if there is none. */
  findInteger(spaceId: number, key: number, hash: number): number {
    let table = this.#table
    let at = table.home(hash)
    if (at < this.#frontier) {
      table = this.#larger
      at = table.home(hash)
    }
    const cells = table.cells
    const slots = this.#slots
    for (let cell = cells[at]!; cell !== 0; cell = cells[++at]!) {
      if ((cell ^ (hash << MARK_SHIFT)) >>> MARK_SHIFT !== 0) continue
      const slot = cell & SLOT_MASK
      const record = slots.records[slot >>> CHUNK_BITS]!
      const word = (slot & CHUNK_MASK) * slots.stride
      if (record[word + HASH] !== hash) continue
      const held = slots.pairs[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) << 1]
      if (typeof held !== 'number' || held !== key) continue
      const group = record[word + GROUP]! & GROUP_MASK
      if (this.#groups.rows[group >>> ROW_BITS]![(group & ROW_MASK) * ROW_STRIDE + SPACE_ID] === spaceId) return slot
    }
    return 0
  }

  /** Adds a slot whose record is written. Its key must not be in the index. */
  insert(slot: number, hash: number): void {
    this.#count++
    if (this.#table !== this.#larger) this.#moveSome()
    else if (this.#count > this.#table.homes * MAX_LOAD) this.#startGrowing()
    this.#tableOf(hash).insert(slot, hash)
  }

  remove(slot: number, hash: number): void {
    this.#count--
    this.#tableOf(hash).remove(slot, hash, this.#slots)
  }

  /** Slots that are in the index, in no order: for checks. */
  *listed(): Iterable<number> {
    const { cells } = this.#table
    for (let at = this.#frontier; at < cells.length; at++) if (cells[at] !== 0) yield cells[at]! & SLOT_MASK
    if (this.#larger === this.#table) return
    for (const cell of this.#larger.cells) if (cell !== 0) yield cell & SLOT_MASK
  }

  #tableOf(hash: number): Table {
    return this.#table.home(hash) < this.#frontier ? this.#larger : this.#table
  }

  #startGrowing(): void {
    const homes = this.#table.homes * 1.5
    const enough = Math.ceil(this.#expected / MAX_LOAD) + 1
    this.#larger = new Table(homes < enough && enough < homes * 1.5 ? enough : homes)
    this.#moveSome()
  }

  /** Moves whole runs, so that the frontier always stands behind an empty cell. */
  #moveSome(): void {
    const { cells } = this.#table
    const larger = this.#larger
    const enough = this.#frontier + CELLS_A_STEP
    let at = this.#frontier
    for (; at < cells.length; at++) {
      const cell = cells[at]!
      if (cell === 0) {
        if (at >= enough) break
        continue
      }
      const slot = cell & SLOT_MASK
      larger.insert(slot, this.#slots.hash(slot))
    }
    this.#frontier = at
    if (at < cells.length) return
    this.#table = larger
    this.#frontier = 0
  }
}

/**
 * Cells of one size. There are `factor × 2^bits` homes with a factor of 16 to 31, so that a table can be sized within
 * 7 %, and the home is a monotone function of the hash.
 */
class Table {
  homes = 0
  cells: Int32Array
  #factor = 0
  #shift = 0

  constructor(atLeast: number) {
    let bits = 0
    while (31 << bits < atLeast) bits++
    this.#factor = Math.max(16, Math.ceil(atLeast / (1 << bits)))
    this.#shift = 27 - bits
    this.homes = this.#factor << bits
    this.cells = new Int32Array(this.homes + SPILL)
  }

  home(hash: number): number {
    return Math.imul(hash >>> 5, this.#factor) >>> this.#shift
  }

  insert(slot: number, hash: number): void {
    let at = this.home(hash)
    while (this.cells[at] !== 0) at++
    // The last cell stays empty, it ends the last run.
    if (at >= this.cells.length - 1) this.#spillFurther(at)
    this.cells[at] = slot | (hash << MARK_SHIFT)
  }

  remove(slot: number, hash: number, slots: Slots): void {
    const { cells } = this
    let hole = this.home(hash)
    while ((cells[hole]! & SLOT_MASK) !== slot) hole++
    for (let at = hole + 1; cells[at] !== 0; at++) {
      const cell = cells[at]!
      if (this.home(slots.hash(cell & SLOT_MASK)) > hole) continue
      cells[hole] = cell
      hole = at
    }
    cells[hole] = 0
  }

  #spillFurther(at: number): void {
    const cells = new Int32Array(at + SPILL)
    cells.set(this.cells)
    this.cells = cells
  }
}
