import { SlotList } from '../slot-list.js'
import type { Slots } from '../slots.js'
import type { Eviction } from './eviction.js'

/** Entries that were used equally often, the least recently used first. */
class Bucket {
  readonly members: SlotList
  readonly id: number
  uses = 0
  fewer: Bucket | undefined
  more: Bucket | undefined

  constructor(id: number, slots: Slots) {
    this.id = id
    this.members = new SlotList(slots)
  }
}

/**
 * Least frequently used: who was used least often leaves, of those the least recently used. Counts are forgotten with
 * the entry. O(1) by a chain of buckets, one for each count that occurs; an entry's record holds its bucket.
 *
 * D. Matani, K. Shah, A. Mitra, "An O(1) algorithm for implementing the LFU cache eviction scheme", 2010:
 * https://arxiv.org/abs/2110.11602
 */
export class LfuEviction implements Eviction {
  readonly #slots: Slots
  /** By id; those without members wait to be used again. */
  readonly #buckets: Bucket[] = []
  readonly #unused: Bucket[] = []
  #fewest: Bucket | undefined

  constructor(slots: Slots) {
    this.#slots = slots
  }

  added(slot: number): void {
    const fewest = this.#fewest
    const bucket = fewest?.uses === 1 ? fewest : this.#insert(1, undefined)
    this.#join(slot, bucket)
  }

  used(slot: number): void {
    const bucket = this.#bucketOf(slot)
    const uses = bucket.uses + 1
    const next = bucket.more?.uses === uses ? bucket.more : this.#insert(uses, bucket)
    this.#leave(slot, bucket)
    this.#join(slot, next)
  }

  removed(slot: number): void {
    this.#leave(slot, this.#bucketOf(slot))
  }

  displaced(slot: number): void {
    this.removed(slot)
    this.added(slot)
  }

  reweighed(slot: number, delta: number): void {
    this.#bucketOf(slot).members.weight += delta
  }

  victim(): number {
    return this.#fewest!.members.oldest
  }

  *order(): Iterable<number> {
    for (let bucket = this.#fewest; bucket !== undefined; bucket = bucket.more) yield* bucket.members
  }

  #bucketOf(slot: number): Bucket {
    return this.#buckets[this.#slots.note(slot)]!
  }

  #join(slot: number, bucket: Bucket): void {
    this.#slots.setNote(slot, bucket.id)
    bucket.members.append(slot)
  }

  #leave(slot: number, bucket: Bucket): void {
    bucket.members.remove(slot)
    if (bucket.members.oldest !== 0) return
    if (bucket.fewer === undefined) this.#fewest = bucket.more
    else bucket.fewer.more = bucket.more
    if (bucket.more !== undefined) bucket.more.fewer = bucket.fewer
    this.#unused.push(bucket)
  }

  /** An empty bucket behind `fewer`, or in front of all. */
  #insert(uses: number, fewer: Bucket | undefined): Bucket {
    const bucket = this.#unused.pop() ?? this.#create()
    const more = fewer === undefined ? this.#fewest : fewer.more
    bucket.uses = uses
    bucket.fewer = fewer
    bucket.more = more
    if (more !== undefined) more.fewer = bucket
    if (fewer === undefined) this.#fewest = bucket
    else fewer.more = bucket
    return bucket
  }

  #create(): Bucket {
    const bucket = new Bucket(this.#buckets.length, this.#slots)
    this.#buckets.push(bucket)
    return bucket
  }
}
