/** Counters stop here. */
export const MAX_FREQUENCY = 15
/** Counts are halved after this many increments for each entry held. */
const SAMPLE_FACTOR = 10
/** Words of a block: one cache line. Each row has a quarter of it. */
const BLOCK_BITS = 4
const BLOCK_WORDS = 1 << BLOCK_BITS
/** Words halved with each increment while a halving is under way. */
const WORDS_A_STEP = 64
const MIN_WORDS = 64

/**
 * How often keys were asked for lately, in eight bytes an entry: a count-min sketch of four rows of 4-bit counters,
 * aged by halving all of them (TinyLFU's reset). The four counters of a key lie in one cache line. Halving and growing
 * are done in small steps or by plain copies, so that no single call is long.
 *
 * G. Einziger, R. Friedman, B. Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", 2017:
 * https://dl.acm.org/doi/10.1145/3149371
 */
export class FrequencySketch {
  #words = new Int32Array(MIN_WORDS)
  #blockMask = MIN_WORDS / BLOCK_WORDS - 1
  /** The number of entries whose frequencies are told apart well. */
  capacity = MIN_WORDS / 2
  #increments = 0
  /** Words up to here are halved; at the end of the table: all of them. */
  #halved = MIN_WORDS

  /** Makes room for more entries. Counts stay: each block is copied to all blocks its keys may now fall into. */
  ensureCapacity(entries: number): void {
    while (this.capacity < entries) {
      const { length } = this.#words
      const words = new Int32Array(length * 2)
      this.#finishHalving()
      words.set(this.#words)
      words.set(this.#words, length)
      this.#words = words
      this.#blockMask = words.length / BLOCK_WORDS - 1
      this.capacity *= 2
      this.#halved = words.length
    }
  }

  frequency(hash: number): number {
    const words = this.#words
    const base = (hash & this.#blockMask) << BLOCK_BITS
    const places = spread(hash)
    let least = (words[base + (places & 3)]! >>> (places & 28)) & 15
    for (let row = 1; row < 4; row++) {
      const place = places >>> (row << 3)
      const count = (words[base + (row << 2) + (place & 3)]! >>> (place & 28)) & 15
      if (count < least) least = count
    }
    return least
  }

  increment(hash: number): void {
    const words = this.#words
    const base = (hash & this.#blockMask) << BLOCK_BITS
    const places = spread(hash)
    let isNew = 0
    for (let row = 0; row < 4; row++) {
      const place = places >>> (row << 3)
      const at = base + (row << 2) + (place & 3)
      const word = words[at]!
      if (((word >>> (place & 28)) & 15) === MAX_FREQUENCY) continue
      words[at] = word + (1 << (place & 28))
      isNew = 1
    }
    if (this.#halved < words.length) this.#halveSome()
    if (isNew === 1 && ++this.#increments >= SAMPLE_FACTOR * this.capacity) this.#startHalving()
  }

  #startHalving(): void {
    this.#finishHalving()
    this.#increments >>>= 1
    this.#halved = 0
  }

  #halveSome(): void {
    const words = this.#words
    const end = Math.min(this.#halved + WORDS_A_STEP, words.length)
    for (let at = this.#halved; at < end; at++) words[at] = (words[at]! >>> 1) & 0x7777_7777
    this.#halved = end
  }

  #finishHalving(): void {
    while (this.#halved < this.#words.length) this.#halveSome()
  }
}

/** Four bytes, one for each row: the low two bits choose the word, the next three the counter. */
function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1)
  return mixed ^ (mixed >>> 16)
}
