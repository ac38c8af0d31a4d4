import type { Random } from '../../core/ports/random.js'
import { SlotList } from '../slot-list.js'
import { LAYOUT, type Slots } from '../slots.js'
import type { Eviction } from './eviction.js'
import { FrequencySketch } from './frequency-sketch.js'

const { HASH, GROUP, FLAGS_SHIFT, FLAGS_MASK } = LAYOUT

/** Where an entry is: flags of its record. */
const WINDOW = 1
const PROBATION = 2
const PROTECTED = 3

const FIRST_WINDOW_SHARE = 0.1
const MIN_WINDOW_SHARE = 0.01
/** Where what was just asked for is asked for next, main only keeps room from the window. */
const MAX_WINDOW_SHARE = 0.98
const PROTECTED_SHARE = 0.8
/** The window is adjusted after this many requests for each entry held. */
const PERIOD_FACTOR = 2
const GAIN = 0.1
const MAX_STEP = 0.3
/** Hits within entries / 2^4 requests of the last counted one don't count. */
const LAG_SHIFT = 4
/** A loser of the admission with this frequency gets in by chance, so that prepared collisions can't lock it out. */
const WARM_FREQUENCY = 6
const CHANCE = 1 / 128
/** Entries moved between regions by one call after the window's share changed. */
const MOVES_A_STEP = 16

/**
 * W-TinyLFU, adaptive by hit density, with lazy promotion. The default.
 *
 * **Regions.** New entries live in a small LRU window. Whoever leaves it is admitted to the main region only if it was
 * asked for more often than main's next victim, by the sketch. Main is a segmented LRU: probation, and protected
 * (80 %) for those that were read there.
 *
 * **Window size.** Every 2 × entries requests the window moves towards the region that has more hits for its size, by
 * the logarithm of the ratio. Both densities come from one sample, so a shift of the whole workload cancels out.
 *
 * **Lazy promotion.** A hit soon after an entry's last counted one only answers: a burst says little about the future
 * (LRU-K's correlated references), and most list writes go away.
 *
 * G. Einziger, R. Friedman, B. Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", 2017:
 * https://dl.acm.org/doi/10.1145/3149371; G. Einziger, O. Eytan, R. Friedman, B. Manes, "Adaptive Software Cache
 * Management", Middleware 2018: https://dl.acm.org/doi/10.1145/3274808.3274816
 */
export class WTinyLfuEviction implements Eviction {
  readonly #slots: Slots
  readonly #random: Random
  readonly #sketch = new FrequencySketch()
  readonly #window: SlotList
  readonly #probation: SlotList
  readonly #protected: SlotList
  #windowShare = FIRST_WINDOW_SHARE

  /** Reads and additions, as a wrapping 32-bit count. */
  #requests = 0
  #lag = 0
  #adjustedAt = 0
  #windowHits = 0
  #mainHits = 0

  constructor(slots: Slots, random: Random) {
    this.#slots = slots
    this.#random = random
    this.#window = new SlotList(slots)
    this.#probation = new SlotList(slots)
    this.#protected = new SlotList(slots)
  }

  added(slot: number): void {
    const slots = this.#slots
    const sketch = this.#sketch
    const { count } = slots
    this.#requests = (this.#requests + 1) | 0
    this.#lag = count >> LAG_SHIFT
    if (sketch.capacity < count) sketch.ensureCapacity(count)
    const { records } = slots
    const record = slot * slots.stride
    records[record + GROUP]! |= WINDOW << FLAGS_SHIFT
    records[record + slots.noteWord] = this.#requests
    sketch.increment(records[record + HASH]!)
    this.#window.append(slot)
  }

  used(slot: number): void {
    const slots = this.#slots
    const requests = (this.#requests + 1) | 0
    this.#requests = requests
    const { records } = slots
    const record = slot * slots.stride
    const region = (records[record + GROUP]! >>> FLAGS_SHIFT) & FLAGS_MASK
    if (region === WINDOW) this.#windowHits++
    else this.#mainHits++
    if (((requests - records[record + slots.noteWord]!) | 0) > this.#lag) this.#count(slot, region)
  }

  removed(slot: number): void {
    this.#regionOf(slot).remove(slot)
  }

  // As a rule the window's oldest leaves: its slot becomes the newest as it is.
  displaced(slot: number, hash: number): void {
    const slots = this.#slots
    const window = this.#window
    const requests = (this.#requests + 1) | 0
    this.#requests = requests
    slots.records[slot * slots.stride + slots.noteWord] = requests
    this.#sketch.increment(hash)
    if (slot === window.oldest) window.renew(slot)
    else {
      this.#regionOf(slot).give(slot, window)
      slots.setFlags(slot, WINDOW)
    }
  }

  reweighed(slot: number, delta: number): void {
    this.#regionOf(slot).weight += delta
  }

  victim(weight: number): number {
    if (((this.#requests - this.#adjustedAt) | 0) >= PERIOD_FACTOR * this.#slots.count) this.#adjust()
    const window = this.#window
    const probation = this.#probation
    const whole = window.weight + probation.weight + this.#protected.weight
    // What the window may weigh, with the entry that moves in.
    const room = Math.max(this.#windowShare * whole, weight)
    if (window.weight > room) this.#shrinkWindow(room)
    const candidate = window.oldest
    const victim = probation.oldest || this.#protected.oldest
    if (victim === 0) return candidate
    if (candidate === 0 || window.weight + weight <= room) return victim
    if (!this.#admits(candidate, victim)) return candidate
    this.#demoteOldest(window)
    return victim
  }

  *order(): Iterable<number> {
    yield* this.#probation
    yield* this.#window
    yield* this.#protected
  }

  #count(slot: number, region: number): void {
    const { records, stride, noteWord } = this.#slots
    const record = slot * stride
    records[record + noteWord] = this.#requests
    this.#sketch.increment(records[record + HASH]!)
    if (region === WINDOW) this.#window.renew(slot)
    else if (region === PROTECTED) this.#protected.renew(slot)
    else this.#protect(slot)
  }

  #protect(slot: number): void {
    this.#probation.give(slot, this.#protected)
    this.#slots.setFlags(slot, PROTECTED)
    const room = PROTECTED_SHARE * (this.#probation.weight + this.#protected.weight)
    for (let moves = 0; moves < MOVES_A_STEP && this.#protected.weight > room; moves++) {
      if (this.#protected.oldest === slot) break
      this.#demoteOldest(this.#protected)
    }
  }

  #admits(candidate: number, victim: number): boolean {
    const { records, stride } = this.#slots
    const sketch = this.#sketch
    const ours = sketch.frequency(records[candidate * stride + HASH]!)
    if (ours > sketch.frequency(records[victim * stride + HASH]!)) return true
    return ours >= WARM_FREQUENCY && this.#random.next() < CHANCE
  }

  /** Moves the window towards the region with more hits for its size. */
  #adjust(): void {
    const windowWeight = this.#window.weight
    const mainWeight = this.#probation.weight + this.#protected.weight
    this.#adjustedAt = this.#requests
    if (windowWeight > 0 && mainWeight > 0 && this.#windowHits + this.#mainHits > 0) {
      const excess = Math.log(this.#windowHits / windowWeight / (this.#mainHits / mainWeight))
      const step = Math.sign(excess) * Math.min(MAX_STEP, GAIN * Math.abs(excess))
      this.#windowShare = Math.min(MAX_WINDOW_SHARE, Math.max(MIN_WINDOW_SHARE, this.#windowShare + step))
    }
    this.#windowHits = 0
    this.#mainHits = 0
  }

  /** Hands over, a few at a time, what a smaller share left in the window. */
  #shrinkWindow(room: number): void {
    for (let moves = 0; moves < MOVES_A_STEP && this.#window.weight > room; moves++) {
      this.#demoteOldest(this.#window)
    }
  }

  /** The oldest of the window or of protected becomes the newest of probation. */
  #demoteOldest(from: SlotList): void {
    const slot = from.oldest
    from.give(slot, this.#probation)
    this.#slots.setFlags(slot, PROBATION)
  }

  #regionOf(slot: number): SlotList {
    const region = this.#slots.flags(slot)
    if (region === WINDOW) return this.#window
    return region === PROBATION ? this.#probation : this.#protected
  }
}
