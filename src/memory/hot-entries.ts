import type { SpaceView } from '../core/ports/local-tier.js'

const MIN_BITS = 8
/** At most 16,384 places, about 1.5 MB: the keys that most reads are for. */
const MAX_BITS = 14

/** What a fresh answer needs, side by side. */
class HotEntry {
  key: string | undefined = undefined
  space: SpaceView | undefined = undefined
  slot = 0
  /** The namespace's sequence at which it was judged. */
  seen = -1
  freshUntilMs = -1
  value: unknown = undefined
}

/**
 * In front of the index: a direct-mapped table of what the latest look-ups of text keys found. A key that is asked for
 * again and again needs neither a hash over all its characters nor the way through index, group and record; its place
 * is made of its length and five characters, and the key itself is compared. Whoever changes an entry calls `forget`;
 * invalidations by tag or clear show in `seen`.
 */
export class HotEntries {
  #places: HotEntry[] = places(MIN_BITS)
  #shift = 32 - MIN_BITS

  at(spaceId: number, key: string): HotEntry {
    const last = key.length - 1
    let sum = Math.imul(last, 0x27d4eb2f) + Math.imul(spaceId, 0x165667b1)
    if (last > 2) {
      sum +=
        Math.imul(key.charCodeAt(last), 0x2c1b3c6d) +
        Math.imul(key.charCodeAt(last - 1), 0x297a2d39) +
        Math.imul(key.charCodeAt(last - 2), 0x7feb352d) +
        Math.imul(key.charCodeAt(last - 3), 0x1b873593) +
        Math.imul(key.charCodeAt(last >>> 1), 0x3c6ef372)
    } else for (let at = 0; at <= last; at++) sum += Math.imul(key.charCodeAt(at), 0x2c1b3c6d << at)
    return this.#places[Math.imul(sum ^ (sum >>> 15), -0x61c8864f) >>> this.#shift]!
  }

  /** The entry in `slot` changes or goes. */
  forget(spaceId: number, key: string, slot: number): void {
    const hot = this.at(spaceId, key)
    if (hot.slot !== slot) return
    hot.key = undefined
    hot.space = undefined
    hot.value = undefined
    hot.slot = 0
  }

  /** Room for the hottest of so many entries. What was known is forgotten when it grows. */
  ensureRoom(entries: number): void {
    let bits = 32 - this.#shift
    if (bits === MAX_BITS || entries <= this.#places.length >>> 2) return
    while (bits < MAX_BITS && entries > 1 << (bits - 2)) bits++
    this.#places = places(bits)
    this.#shift = 32 - bits
  }
}

function places(bits: number): HotEntry[] {
  return Array.from({ length: 1 << bits }, () => new HotEntry())
}
