import { SlotList } from '../slot-list.js'
import type { Slots } from '../slots.js'
import type { Eviction } from './eviction.js'

/**
 * First in, first out: who came first leaves first, read or not. The cheapest read of all.
 *
 * L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal, 1966:
 * https://doi.org/10.1147/sj.52.0078
 */
export class FifoEviction implements Eviction {
  readonly #list: SlotList

  constructor(slots: Slots) {
    this.#list = new SlotList(slots)
  }

  added(slot: number): void {
    this.#list.append(slot)
  }

  used(): void {}

  removed(slot: number): void {
    this.#list.remove(slot)
  }

  displaced(slot: number): void {
    this.#list.renew(slot)
  }

  reweighed(_slot: number, delta: number): void {
    this.#list.weight += delta
  }

  victim(): number {
    return this.#list.oldest
  }

  order(): Iterable<number> {
    return this.#list
  }
}
