import { SlotList } from '../slot-list.js'
import type { Slots } from '../slots.js'
import type { Eviction } from './eviction.js'

/** Flag of a record: read since the hand came past. */
const VISITED = 1

/**
 * SIEVE: a hand walks from old to new through a queue that nobody moves in. Whoever was read since it last came past
 * stays where it is, the first who wasn't leaves. A read costs one bit.
 *
 * One call passes as many entries as were read since the last round: O(1) on average, not for each call.
 *
 * Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi, "SIEVE is Simpler than LRU", NSDI 2024:
 * https://www.usenix.org/conference/nsdi24/presentation/zhang-yazhuo
 */
export class SieveEviction implements Eviction {
  readonly #slots: Slots
  readonly #list: SlotList
  /** The next to be looked at; 0 = begin with the oldest. */
  #hand = 0

  constructor(slots: Slots) {
    this.#slots = slots
    this.#list = new SlotList(slots)
  }

  added(slot: number): void {
    this.#list.append(slot)
  }

  used(slot: number): void {
    if (this.#slots.flags(slot) !== VISITED) this.#slots.setFlags(slot, VISITED)
  }

  removed(slot: number): void {
    this.#passOn(slot)
    this.#list.remove(slot)
  }

  displaced(slot: number): void {
    this.#passOn(slot)
    this.#slots.setFlags(slot, 0)
    this.#list.renew(slot)
  }

  reweighed(_slot: number, delta: number): void {
    this.#list.weight += delta
  }

  victim(): number {
    let slot = this.#hand || this.#list.oldest
    while (this.#slots.flags(slot) === VISITED) {
      this.#slots.setFlags(slot, 0)
      slot = this.#slots.newer(slot)
    }
    this.#hand = slot
    return slot
  }

  order(): Iterable<number> {
    return this.#list
  }

  /** The hand goes on from an entry that leaves. */
  #passOn(slot: number): void {
    if (slot !== this.#hand) return
    const newer = this.#slots.newer(slot)
    this.#hand = newer === this.#list.oldest ? 0 : newer
  }
}
