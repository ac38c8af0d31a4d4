const MIN_PLACES = 64
/** A table cell holds a place of the ring, from 1; 0 = empty. */
const EMPTY = 0
/** Marks a place of the ring whose hash was taken out. */
const TAKEN = 0

/**
 * Who left lately: the last so many 32-bit hashes, first in, first out. A ring holds them in order, an open-addressing
 * table finds them. Two keys of one hash are taken for each other. Sixteen bytes or more for each hash.
 */
export class GhostQueue {
  #ring = new Int32Array(MIN_PLACES)
  #table = new Int32Array(2 * MIN_PLACES)
  /** Places are counted without end and taken modulo the ring's length. */
  #oldest = 0
  #next = 0
  #length = 0

  /** Remembers a hash, and forgets the oldest until there are at most `capacity`. */
  add(hash: number, capacity: number): void {
    while (this.#length > 0 && this.#length >= capacity) this.#forgetOldest()
    this.#makePlace()
    const place = this.#next & (this.#ring.length - 1)
    this.#next++
    this.#length++
    this.#ring[place] = known(hash)
    this.#insert(place)
  }

  /** True if it is remembered; from now on it isn't. */
  take(hash: number): boolean {
    const table = this.#table
    for (let at = this.#home(known(hash)); table[at] !== EMPTY; at = (at + 1) & (table.length - 1)) {
      if (this.#ring[table[at]! - 1] !== known(hash)) continue
      this.#drop(at)
      return true
    }
    return false
  }

  #forgetOldest(): void {
    this.#skipTaken()
    const place = this.#oldest & (this.#ring.length - 1)
    let at = this.#home(this.#ring[place]!)
    while (this.#table[at] !== place + 1) at = (at + 1) & (this.#table.length - 1)
    this.#drop(at)
  }

  #skipTaken(): void {
    const mask = this.#ring.length - 1
    while (this.#oldest !== this.#next && this.#ring[this.#oldest & mask] === TAKEN) this.#oldest++
  }

  /** A free place behind the newest: what was taken out is closed up, and the ring doubles if that isn't enough. */
  #makePlace(): void {
    this.#skipTaken()
    if (this.#next - this.#oldest < this.#ring.length) return
    const before = this.#ring
    const held: number[] = []
    for (let count = this.#oldest; count !== this.#next; count++) {
      const hash = before[count & (before.length - 1)]!
      if (hash !== TAKEN) held.push(hash)
    }
    if (held.length * 2 > before.length) {
      this.#ring = new Int32Array(before.length * 2)
      this.#table = new Int32Array(before.length * 4)
    } else {
      this.#table.fill(EMPTY)
    }
    this.#oldest = 0
    this.#next = held.length
    this.#ring.set(held)
    for (let place = 0; place < held.length; place++) this.#insert(place)
  }

  #insert(place: number): void {
    const table = this.#table
    let at = this.#home(this.#ring[place]!)
    while (table[at] !== EMPTY) at = (at + 1) & (table.length - 1)
    table[at] = place + 1
  }

  /** Empties a cell of the table and its place in the ring, and shifts the rest of the run back. */
  #drop(cell: number): void {
    const table = this.#table
    const mask = table.length - 1
    this.#ring[table[cell]! - 1] = TAKEN
    this.#length--
    let hole = cell
    for (let at = (cell + 1) & mask; table[at] !== EMPTY; at = (at + 1) & mask) {
      const home = this.#home(this.#ring[table[at]! - 1]!)
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      table[hole] = table[at]!
      hole = at
    }
    table[hole] = EMPTY
  }

  #home(hash: number): number {
    return hash & (this.#table.length - 1)
  }
}

function known(hash: number): number {
  return hash === TAKEN ? 1 : hash
}
