import type { SpaceView } from '../core/ports/local-tier.js'

const MIN_BITS = 8
/** At most 32,768 places, about 2.6 MB: the keys that most reads are for. */
const MAX_BITS = 15
/** Fresh life is kept here in steps of 16 ms, rounded down, so that it stays a small integer for 397 days. */
const STEPS_A_MS = 1 / 16
const MAX_STEPS = 0x7fff_ffff

/** What a fresh answer needs, side by side. */
export class HotEntry {
  key: string | undefined = undefined
  space: SpaceView | undefined = undefined
  slot = 0
  /** The namespace's sequence at which it was judged. */
  seen = -1
  /** See `freshSteps`. */
  freshUntil = -1
  value: unknown = undefined
}

/** A moment as hot entries keep it. An entry that is fresh by this is fresh; one that isn't may still be for 16 ms. */
export function freshSteps(ms: number): number {
  return Math.min(Math.floor(ms * STEPS_A_MS), MAX_STEPS) | 0
}

/** The present, to be compared with `freshUntil`. */
export function stepsOf(nowMs: number): number {
  return nowMs * STEPS_A_MS
}

/**
 * In front of the index: a direct-mapped table of what the latest look-ups of text keys found. A key that is asked for
 * again and again needs neither a hash over all its characters nor the way through index, group and record. Its mark is
 * made of its length and five characters; who finds the mark compares key, space, `seen` and `freshUntil`.
 *
 * Whoever changes an entry calls `forget`; invalidations by tag or clear show in `seen`. Who was read lately keeps its
 * place once against another key, so that a crowd of keys that are read once does not wear the table out.
 */
export class HotEntries {
  #shift = 32 - MIN_BITS
  /** Marks apart from the entries, so that asking in vain touches one word. 0 = nobody. */
  #marks = new Int32Array(1 << MIN_BITS)
  #isWarm = new Uint8Array(1 << MIN_BITS)
  #entries = hotEntries(1 << MIN_BITS)

  /** Never 0. */
  markOf(spaceId: number, key: string): number {
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
    return Math.imul(sum ^ (sum >>> 15), -0x61c8864f) | 1
  }

  /** The entry of a mark, which may be another key's. */
  find(mark: number): HotEntry | undefined {
    const place = mark >>> this.#shift
    if (this.#marks[place] !== mark) return undefined
    if (this.#isWarm[place] === 0) this.#isWarm[place] = 1
    return this.#entries[place]
  }

  /** Where to write down what a look-up found; undefined if somebody else keeps the place. */
  claim(mark: number): HotEntry | undefined {
    const place = mark >>> this.#shift
    if (this.#marks[place] !== mark && this.#isWarm[place] === 1) {
      this.#isWarm[place] = 0
      return undefined
    }
    this.#marks[place] = mark
    return this.#entries[place]
  }

  /** The entry in `slot` changes or goes. */
  forget(spaceId: number, key: string, slot: number): void {
    const mark = this.markOf(spaceId, key)
    const place = mark >>> this.#shift
    if (this.#marks[place] !== mark) return
    const hot = this.#entries[place]!
    if (hot.slot !== slot) return
    this.#marks[place] = 0
    this.#isWarm[place] = 0
    hot.key = undefined
    hot.space = undefined
    hot.value = undefined
    hot.slot = 0
  }

  /** Room for the hottest of so many entries. What was known is forgotten when it grows. */
  ensureRoom(entries: number): void {
    let bits = 32 - this.#shift
    if (bits === MAX_BITS || entries <= this.#marks.length >>> 2) return
    while (bits < MAX_BITS && entries > 1 << (bits - 2)) bits++
    this.#shift = 32 - bits
    this.#marks = new Int32Array(1 << bits)
    this.#isWarm = new Uint8Array(1 << bits)
    this.#entries = hotEntries(1 << bits)
  }
}

function hotEntries(count: number): HotEntry[] {
  return Array.from({ length: count }, () => new HotEntry())
}
