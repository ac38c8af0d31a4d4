import { MAX_SLOTS } from './slots.js'

const SHRINK = 0.8
const GROW = 1.1
/** Under pressure the tier keeps room for so much, or for all that was configured if that is less. */
const MIN_ENTRIES = 64
const MIN_BYTES = 256 * 1024

/**
 * How much the tier may hold: the bounds that were configured, which always hold, and below them the room that memory
 * pressure leaves, which is approached in small steps so that no call waits for a crowd to leave.
 */
export class Room {
  readonly maxEntries: number
  readonly maxBytes: number
  /** At most the bounds. */
  entries: number
  bytes: number

  constructor(bounds: { maxEntries: number; maxBytes: number }) {
    this.maxEntries = Math.min(bounds.maxEntries, MAX_SLOTS)
    this.maxBytes = bounds.maxBytes
    this.entries = this.maxEntries
    this.bytes = this.maxBytes
  }

  get isShrunk(): boolean {
    return this.entries < this.maxEntries || this.bytes < this.maxBytes
  }

  /** A fifth less than what is held. False: there is nothing left to give. */
  shrink(held: { entries: number; bytes: number }): boolean {
    const entries = lowered(Math.min(held.entries, this.entries), MIN_ENTRIES, this.maxEntries)
    const bytes = this.maxBytes === Infinity ? Infinity : lowered(held.bytes, MIN_BYTES, this.maxBytes)
    if (entries >= this.entries && bytes >= this.bytes) return false
    this.entries = Math.min(this.entries, entries)
    this.bytes = Math.min(this.bytes, bytes)
    return true
  }

  /** A tenth more than before; all of it once the rest is small. */
  grow(): void {
    this.entries = Math.min(this.maxEntries, Math.ceil(this.entries * GROW))
    this.bytes = Math.min(this.maxBytes, Math.ceil(this.bytes * GROW))
  }
}

function lowered(held: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.floor(held * SHRINK)))
}
