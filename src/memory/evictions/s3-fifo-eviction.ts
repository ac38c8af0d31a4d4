import { SlotList } from '../slot-list.js'
import type { Slots } from '../slots.js'
import type { Eviction } from './eviction.js'
import { GhostQueue } from './ghost-queue.js'

/** Flags of a record: uses up to 3, and the queue. */
const USES = 3
const IN_MAIN = 4

const SMALL_SHARE = 0.1
/** Uses in the small queue from which an entry moves to the main one. */
const PROMOTED_FROM = 2
/** Hashes remembered for each entry held. */
const GHOSTS_AN_ENTRY = 0.9

/**
 * S3-FIFO: three queues that nobody moves in. New entries wait in a small one (10 %); who was used twice there goes on
 * to the main queue, the others leave and are remembered by their hash. Who comes back while remembered starts in the
 * main queue, where each use buys another round.
 *
 * J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023:
 * https://dl.acm.org/doi/10.1145/3600006.3613147
 */
export class S3FifoEviction implements Eviction {
  readonly #slots: Slots
  readonly #small: SlotList
  readonly #main: SlotList
  readonly #ghosts = new GhostQueue()

  constructor(slots: Slots) {
    this.#slots = slots
    this.#small = new SlotList(slots)
    this.#main = new SlotList(slots)
  }

  added(slot: number): void {
    this.#enter(slot, this.#slots.hash(slot))
  }

  used(slot: number): void {
    const flags = this.#slots.flags(slot)
    if ((flags & USES) < USES) this.#slots.setFlags(slot, flags + 1)
  }

  removed(slot: number): void {
    this.#queueOf(slot).remove(slot)
  }

  displaced(slot: number, hash: number): void {
    this.removed(slot)
    this.#slots.setFlags(slot, 0)
    this.#enter(slot, hash)
  }

  reweighed(slot: number, delta: number): void {
    this.#queueOf(slot).weight += delta
  }

  victim(): number {
    for (;;) {
      const room = Math.floor(SMALL_SHARE * (this.#small.weight + this.#main.weight))
      const fromSmall = this.#main.oldest === 0 || (this.#small.oldest !== 0 && this.#small.weight >= room)
      const slot = fromSmall ? this.#leaverOfSmall() : this.#leaverOfMain()
      if (slot !== 0) return slot
    }
  }

  *order(): Iterable<number> {
    yield* this.#small
    yield* this.#main
  }

  /** The oldest of the small queue leaves, or moves on: then 0. */
  #leaverOfSmall(): number {
    const slot = this.#small.oldest
    if ((this.#slots.flags(slot) & USES) < PROMOTED_FROM) {
      this.#ghosts.add(this.#slots.hash(slot), Math.ceil(this.#slots.count * GHOSTS_AN_ENTRY))
      return slot
    }
    this.#small.remove(slot)
    this.#enterMain(slot, 0)
    return 0
  }

  /** The oldest of the main queue leaves, or gives one use for another round: then 0. */
  #leaverOfMain(): number {
    const slot = this.#main.oldest
    const uses = this.#slots.flags(slot) & USES
    if (uses === 0) return slot
    this.#main.remove(slot)
    this.#enterMain(slot, uses - 1)
    return 0
  }

  #enter(slot: number, hash: number): void {
    if (this.#ghosts.take(hash)) this.#enterMain(slot, 0)
    else this.#small.append(slot)
  }

  #enterMain(slot: number, uses: number): void {
    this.#slots.setFlags(slot, IN_MAIN | uses)
    this.#main.append(slot)
  }

  #queueOf(slot: number): SlotList {
    return (this.#slots.flags(slot) & IN_MAIN) === 0 ? this.#small : this.#main
  }
}
