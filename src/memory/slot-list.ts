import { NEXT, PREVIOUS, type Slots } from './slots.js'

/** A doubly linked list through the records of slots, oldest first. A slot is in at most one list. */
export class SlotList {
  readonly #slots: Slots
  oldest = 0
  newest = 0
  length = 0
  /** Sum of the members' weights. */
  weight = 0

  constructor(slots: Slots) {
    this.#slots = slots
  }

  append(slot: number): void {
    const slots = this.#slots
    const chunk = slots.chunk(slot)
    const at = slots.at(slot)
    const { newest } = this
    chunk[at + PREVIOUS] = newest
    chunk[at + NEXT] = 0
    if (newest === 0) this.oldest = slot
    else slots.write(newest, NEXT, slot)
    this.newest = slot
    this.length++
    this.weight += slots.weight(slot)
  }

  remove(slot: number): void {
    this.#unlink(slot)
    this.length--
    this.weight -= this.#slots.weight(slot)
  }

  /** Makes a member the newest. */
  renew(slot: number): void {
    const slots = this.#slots
    const { newest } = this
    if (slot === newest) return
    this.#unlink(slot)
    const chunk = slots.chunk(slot)
    const at = slots.at(slot)
    chunk[at + PREVIOUS] = newest
    chunk[at + NEXT] = 0
    slots.write(newest, NEXT, slot)
    this.newest = slot
  }

  newer(slot: number): number {
    return this.#slots.read(slot, NEXT)
  }

  older(slot: number): number {
    return this.#slots.read(slot, PREVIOUS)
  }

  /** Oldest first. The one just given may be removed. */
  *[Symbol.iterator](): Iterator<number> {
    for (let slot = this.oldest; slot !== 0; ) {
      const next = this.newer(slot)
      yield slot
      slot = next
    }
  }

  #unlink(slot: number): void {
    const slots = this.#slots
    const chunk = slots.chunk(slot)
    const at = slots.at(slot)
    const previous = chunk[at + PREVIOUS]!
    const next = chunk[at + NEXT]!
    if (previous === 0) this.oldest = next
    else slots.write(previous, NEXT, next)
    if (next === 0) this.newest = previous
    else slots.write(next, PREVIOUS, previous)
  }
}
