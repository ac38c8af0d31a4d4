import { LAYOUT, type Slots } from './slots.js'

const { OLDER, NEWER } = LAYOUT

/** A doubly linked list through the records of slots, oldest first. A slot is in at most one list. */
export class SlotList {
  readonly #slots: Slots
  oldest = 0
  newest = 0
  /** Sum of the members' weights. */
  weight = 0

  constructor(slots: Slots) {
    this.#slots = slots
  }

  append(slot: number): void {
    this.#link(slot)
    this.weight += this.#slots.weight(slot)
  }

  remove(slot: number): void {
    this.#unlink(slot)
    this.weight -= this.#slots.weight(slot)
  }

  /** Makes the oldest member the newest of another list. */
  giveOldest(to: SlotList): void {
    const { stride, records } = this.#slots
    const slot = this.oldest
    const record = slot * stride
    const newer = records[record + NEWER]!
    this.oldest = newer
    if (newer === 0) this.newest = 0
    else records[newer * stride + OLDER] = 0
    const { newest } = to
    records[record + OLDER] = newest
    records[record + NEWER] = 0
    if (newest === 0) to.oldest = slot
    else records[newest * stride + NEWER] = slot
    to.newest = slot
    const weight = this.#slots.weight(slot)
    this.weight -= weight
    to.weight += weight
  }

  /** Makes a member the newest. */
  renew(slot: number): void {
    if (slot === this.newest) return
    this.#unlink(slot)
    this.#link(slot)
  }

  /** Oldest first. The one just given may be removed. */
  *[Symbol.iterator](): Iterator<number> {
    for (let slot = this.oldest; slot !== 0; ) {
      const next = this.#slots.newer(slot)
      yield slot
      slot = next
    }
  }

  #link(slot: number): void {
    const { stride, records } = this.#slots
    const { newest } = this
    records[slot * stride + OLDER] = newest
    records[slot * stride + NEWER] = 0
    if (newest === 0) this.oldest = slot
    else records[newest * stride + NEWER] = slot
    this.newest = slot
  }

  #unlink(slot: number): void {
    const { stride, records } = this.#slots
    const older = records[slot * stride + OLDER]!
    const newer = records[slot * stride + NEWER]!
    if (older === 0) this.oldest = newer
    else records[older * stride + NEWER] = newer
    if (newer === 0) this.newest = older
    else records[newer * stride + OLDER] = older
  }
}
