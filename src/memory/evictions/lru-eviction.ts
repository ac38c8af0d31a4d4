import { SlotList } from '../slot-list.js'
import type { Slots } from '../slots.js'
import type { Eviction } from './eviction.js'

/**
 * Least recently used: who was not read for the longest time leaves.
 *
 * R. L. Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal, 1970:
 * https://doi.org/10.1147/sj.92.0078
 */
export class LruEviction implements Eviction {
  readonly #list: SlotList

  constructor(slots: Slots) {
    this.#list = new SlotList(slots)
  }

  added(slot: number): void {
    this.#list.append(slot)
  }

  used(slot: number): void {
    this.#list.renew(slot)
  }

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
