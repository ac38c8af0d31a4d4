import { LAYOUT, type Slots } from './slots.js'

const { OLDER, NEWER } = LAYOUT

/**
 * A doubly linked ring through the records of slots, oldest first; the newest is the oldest's older neighbour. A slot is
 * in at most one list. What leaves the old end and comes back at the new one needs no writes: the ring turns.
 */
export class SlotList {
  readonly #slots: Slots
  oldest = 0
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

  /** Makes a member the newest of another list. */
  give(slot: number, to: SlotList): void {
    this.#unlink(slot)
    to.#link(slot)
    const weight = this.#slots.weight(slot)
    this.weight -= weight
    to.weight += weight
  }

  /** Makes a member the newest. */
  renew(slot: number): void {
    const { stride, records } = this.#slots
    const { oldest } = this
    const record = slot * stride
    const newer = records[record + NEWER]!
    if (slot === oldest) this.oldest = newer
    else if (newer !== oldest) {
      const older = records[record + OLDER]!
      const endOfRing = oldest * stride + OLDER
      const newest = records[endOfRing]!
      records[older * stride + NEWER] = newer
      records[newer * stride + OLDER] = older
      records[record + OLDER] = newest
      records[record + NEWER] = oldest
      records[newest * stride + NEWER] = slot
      records[endOfRing] = slot
    }
  }

  /** Oldest first. */
  *[Symbol.iterator](): Iterator<number> {
    let slot = this.oldest
    if (slot === 0) return
    do {
      yield slot
      slot = this.#slots.newer(slot)
    } while (slot !== this.oldest)
  }

  #link(slot: number): void {
    const { stride, records } = this.#slots
    const record = slot * stride
    const { oldest } = this
    if (oldest === 0) {
      this.oldest = slot
      records[record + OLDER] = slot
      records[record + NEWER] = slot
      return
    }
    const newest = records[oldest * stride + OLDER]!
    records[record + OLDER] = newest
    records[record + NEWER] = oldest
    records[newest * stride + NEWER] = slot
    records[oldest * stride + OLDER] = slot
  }

  #unlink(slot: number): void {
    const { stride, records } = this.#slots
    const older = records[slot * stride + OLDER]!
    const newer = records[slot * stride + NEWER]!
    records[older * stride + NEWER] = newer
    records[newer * stride + OLDER] = older
    if (slot === this.oldest) this.oldest = newer === slot ? 0 : newer
  }
}
