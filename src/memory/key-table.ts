import { type Groups, ROW } from './groups.js'
import { LAYOUT, type Slots } from './slots.js'

const { HASH, GROUP, GROUP_MASK, CHUNK_BITS, CHUNK_MASK } = LAYOUT
const { SPACE_ID, STRIDE: ROW_STRIDE } = ROW

const EMPTY = 0
const SLOT_MASK = 0xff_ffff
/** Above the slot number: four bits of the hash, and four that tell how far the cell lies behind its home. */
const MARK_SHIFT = 24
const DISTANCE_SHIFT = 28
const ONE_FURTHER = 1 << DISTANCE_SHIFT
/** A distance of this or more: where exactly the home is, the record's hash tells. */
const FAR = 15
/** Places behind the last home, so that a run never wraps around. */
const SPILL = 64

// Constants that hold functions are called without a look at what they hold now, as a function's name would need.
/** A cell, or a mark, one place on. */
const further = (cell: number): number => (cell >>> DISTANCE_SHIFT < FAR ? (cell + ONE_FURTHER) | 0 : cell)
/** What is above the slot number in a cell at its home. */
const markOf = (hash: number): number => (hash & 15) << MARK_SHIFT

/**
 * An open-addressing table of slot numbers, of one size. Cells of a run are in the order of their homes (Robin Hood
 * hashing), so a look-up in vain ends early. A cell tells its distance from home and some bits of the hash, so that a
 * probe which passes a stranger, and a deletion, which shifts the rest of the run back, don't look at records. There are
 * no tombstones.
 *
 * P. Celis, "Robin Hood Hashing", 1986: https://cs.uwaterloo.ca/research/tr/1986/CS-86-14.pdf
 */
export class KeyTable {
  readonly #slots: Slots
  readonly #groups: Groups
  #cells: Int32Array
  /** There are `factor × 2^bits` homes with a factor of 16 to 31: sizes can be chosen within 7 %. */
  #factor = 0
  #shift = 0
  homes = 0
  /** Where the latest look-up in vain ended, and with what mark: there its key would be inserted. -1: not any more. */
  #vainAt = -1
  #vainMark = 0
  #vainHash = 0

  constructor(atLeast: number, slots: Slots, groups: Groups) {
    let bits = 0
    while (31 << bits < atLeast) bits++
    this.#factor = Math.max(16, Math.ceil(atLeast / (1 << bits)))
    this.#shift = 27 - bits
    this.homes = this.#factor << bits
    this.#cells = new Int32Array(this.homes + SPILL)
    this.#slots = slots
    this.#groups = groups
  }

  get cellCount(): number {
    return this.#cells.length
  }

  /** Where the run of a hash begins: a monotone function of the hash. */
  home(hash: number): number {
    return Math.imul(hash >>> 5, this.#factor) >>> this.#shift
  }

  findText(spaceId: number, key: string, hash: number): number {
    const cells = this.#cells
    const slots = this.#slots
    let at = this.home(hash)
    let mark = markOf(hash)
    for (let cell = cells[at]!; cell !== EMPTY; cell = cells[++at]!) {
      if ((cell ^ mark) >>> MARK_SHIFT === 0) {
        const slot = cell & SLOT_MASK
        const record = slot * slots.stride
        if (slots.records[record + HASH] === hash) {
          const held = slots.pairs[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) << 1]
          const row = (slots.records[record + GROUP]! & GROUP_MASK) * ROW_STRIDE
          if (typeof held === 'string' && held === key && this.#groups.rows[row + SPACE_ID] === spaceId) return slot
        }
      } else if (cell >>> DISTANCE_SHIFT < mark >>> DISTANCE_SHIFT) {
        break
      }
      mark = further(mark)
    }
    this.#vainHash = hash
    this.#vainMark = mark
    this.#vainAt = at
    return 0
  }

  /** The same for integers: one method for both would compare what V8 cannot know the type of. */
  findInteger(spaceId: number, key: number, hash: number): number {
    const cells = this.#cells
    const slots = this.#slots
    let at = this.home(hash)
    let mark = markOf(hash)
    for (let cell = cells[at]!; cell !== EMPTY; cell = cells[++at]!) {
      if ((cell ^ mark) >>> MARK_SHIFT === 0) {
        const slot = cell & SLOT_MASK
        const record = slot * slots.stride
        if (slots.records[record + HASH] === hash) {
          const held = slots.pairs[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) << 1]
          const row = (slots.records[record + GROUP]! & GROUP_MASK) * ROW_STRIDE
          if (typeof held === 'number' && held === key && this.#groups.rows[row + SPACE_ID] === spaceId) return slot
        }
      } else if (cell >>> DISTANCE_SHIFT < mark >>> DISTANCE_SHIFT) {
        break
      }
      mark = further(mark)
    }
    this.#vainHash = hash
    this.#vainMark = mark
    this.#vainAt = at
    return 0
  }

  insert(slot: number, hash: number): void {
    const cells = this.#cells
    const home = this.home(hash)
    let at = home
    let carried = slot | markOf(hash)
    let cell = cells[at]!
    for (; cell !== EMPTY && cell >>> DISTANCE_SHIFT >= carried >>> DISTANCE_SHIFT; cell = cells[++at]!) {
      if (carried >>> DISTANCE_SHIFT === FAR && this.#homeOf(cell) > home) break
      carried = further(carried)
    }
    this.#put(at, carried)
  }

  remove(slot: number, hash: number): void {
    const cells = this.#cells
    let at = this.home(hash)
    let sought = slot | markOf(hash)
    for (; cells[at] !== sought; at++) sought = further(sought)
    for (let cell = cells[++at]!; cell >>> DISTANCE_SHIFT !== 0; cell = cells[++at]!) {
      cells[at - 1] = cell >>> DISTANCE_SHIFT < FAR ? cell - ONE_FURTHER : this.#nearer(cell, at)
    }
    cells[at - 1] = EMPTY
    this.#vainAt = -1
  }

  /**
   * Another key for a slot whose record still tells the old one. As a rule it was just looked up in vain, so its place is
   * known. Until the old cell goes there are two of this slot: the same mark would mean the same home, and either may go.
   * Where marks don't tell, far from home, the old one goes first.
   */
  exchange(slot: number, before: number, hash: number): void {
    if (this.#vainAt >= 0 && this.#vainHash === hash && this.#vainMark >>> DISTANCE_SHIFT < FAR) {
      this.#put(this.#vainAt, slot | this.#vainMark)
      this.remove(slot, before)
    } else {
      this.remove(slot, before)
      this.insert(slot, hash)
    }
  }

  /** Copies whole runs to a larger table, from a place on; the place behind them, which is empty or the end. */
  moveRuns(from: number, cellsAtLeast: number, larger: KeyTable): number {
    const cells = this.#cells
    let at = from
    for (; at < cells.length; at++) {
      const cell = cells[at]!
      if (cell !== EMPTY) larger.insert(cell & SLOT_MASK, this.#slots.hash(cell & SLOT_MASK))
      else if (at >= from + cellsAtLeast) break
    }
    return at
  }

  *listed(from: number): Iterable<number> {
    for (let at = from; at < this.#cells.length; at++) {
      if (this.#cells[at] !== EMPTY) yield this.#cells[at]! & SLOT_MASK
    }
  }

  /** A far cell that moves one place back: how far it is then, only its record's hash tells. */
  #nearer(cell: number, at: number): number {
    const distance = at - 1 - this.#homeOf(cell)
    return distance < FAR ? (cell & ~(FAR << DISTANCE_SHIFT)) | (distance << DISTANCE_SHIFT) : cell
  }

  #homeOf(cell: number): number {
    return this.home(this.#slots.hash(cell & SLOT_MASK))
  }

  /** Puts a cell at its place and moves those from there on. */
  #put(place: number, cell: number): void {
    const cells = this.#cells
    let at = place
    let carried = cell
    for (let next = cells[at]!; next !== EMPTY; next = cells[++at]!) {
      cells[at] = carried
      carried = further(next)
    }
    // The last cell stays empty, it ends the last run.
    if (at < cells.length - 1) cells[at] = carried
    else this.#spillFurther(at, carried)
    this.#vainAt = -1
  }

  #spillFurther(at: number, cell: number): void {
    const cells = new Int32Array(at + SPILL)
    cells.set(this.#cells)
    cells[at] = cell
    this.#cells = cells
  }
}
