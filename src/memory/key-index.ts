import type { Groups } from './groups.js'
import { KeyTable } from './key-table.js'
import type { Slots } from './slots.js'

const MAX_LOAD = 0.57
const GROWTH = 1.5
const FIRST_HOMES = 16
/** Cells moved to a larger table by each insert. */
const CELLS_A_STEP = 32

/**
 * The index: which slot holds a key. Asked with (space id, key, hash); no text is ever concatenated.
 *
 * When its table must grow, cells move to a larger one from the front, some with each insert. A key's home grows with
 * its hash, so a key whose home lies before the frontier is in the larger table, any other still in the smaller one:
 * each look-up probes one table, and no insert waits for a rehash.
 */
export class KeyIndex {
  readonly #slots: Slots
  readonly #groups: Groups
  readonly #expected: number
  #table: KeyTable
  /** While growing: what the cells move to. */
  #larger: KeyTable | undefined
  /** Homes below it have moved. */
  #frontier = 0
  #count = 0

  /** `expected`: the most entries there will be, if known; a table is then never larger than they need. */
  constructor(slots: Slots, groups: Groups, expected: number) {
    this.#slots = slots
    this.#groups = groups
    this.#expected = expected
    this.#table = new KeyTable(FIRST_HOMES, slots, groups)
  }

  /** The slot of a text key, 0 if there is none. */
  findText(spaceId: number, key: string, hash: number): number {
    return this.#tableOf(hash).findText(spaceId, key, hash)
  }

  /** The slot of an integer key, 0 if there is none. */
  findInteger(spaceId: number, key: number, hash: number): number {
    return this.#tableOf(hash).findInteger(spaceId, key, hash)
  }

  /** Adds a slot whose record is written. Its key must not be in the index. */
  insert(slot: number, hash: number): void {
    this.#count++
    if (this.#larger !== undefined) this.#moveSome(this.#larger)
    else if (this.#count > this.#table.homes * MAX_LOAD) this.#startGrowing()
    this.#tableOf(hash).insert(slot, hash)
  }

  remove(slot: number, hash: number): void {
    this.#count--
    this.#tableOf(hash).remove(slot, hash)
  }

  /** Another key for a slot. Its record must still tell the old one, or be written. */
  exchange(slot: number, before: number, hash: number): void {
    if (this.#larger === undefined) this.#table.exchange(slot, before, hash)
    else this.#exchangeGrowing(this.#larger, slot, before, hash)
  }

  /** Slots that are in the index, in no order: for checks. */
  *listed(): Iterable<number> {
    yield* this.#table.listed(this.#frontier)
    if (this.#larger !== undefined) yield* this.#larger.listed(0)
  }

  #exchangeGrowing(larger: KeyTable, slot: number, before: number, hash: number): void {
    this.#moveSome(larger)
    this.#tableOf(before).remove(slot, before)
    this.#tableOf(hash).insert(slot, hash)
  }

  #tableOf(hash: number): KeyTable {
    return this.#frontier !== 0 && this.#table.home(hash) < this.#frontier ? this.#larger! : this.#table
  }

  #startGrowing(): void {
    const homes = this.#table.homes * GROWTH
    const enough = Math.ceil(this.#expected / MAX_LOAD) + 1
    this.#larger = new KeyTable(homes < enough && enough < homes * GROWTH ? enough : homes, this.#slots, this.#groups)
    this.#moveSome(this.#larger)
  }

  #moveSome(larger: KeyTable): void {
    this.#frontier = this.#table.moveRuns(this.#frontier, CELLS_A_STEP, larger)
    if (this.#frontier < this.#table.cellCount) return
    this.#table = larger
    this.#larger = undefined
    this.#frontier = 0
  }
}
