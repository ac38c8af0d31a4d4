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

/** One counter, one higher unless it is at its end, without a branch. What it grew by. */
const raise = (words: Int32Array, at: number, shift: number): number => {
  const word = words[at]!
  const step = (((word >>> shift) & 15) - MAX_FREQUENCY) >>> 31
  words[at] = word + (step << shift)
  return step
}

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
  #sample = SAMPLE_FACTOR * this.capacity
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
      this.#sample = SAMPLE_FACTOR * this.capacity
      this.#halved = words.length
    }
  }

  // A hash is spread to four bytes, one for each row: the low two bits choose the word, the next three the counter. Here
  // and below this is written out, since V8 inlines what calls nothing.
  frequency(hash: number): number {
    const words = this.#words
    const base = (hash & this.#blockMask) << BLOCK_BITS
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1)
    const places = mixed ^ (mixed >>> 16)
    const first = (words[base + (places & 3)]! >>> (places & 28)) & 15
    const second = (words[base + 4 + ((places >>> 8) & 3)]! >>> ((places >>> 8) & 28)) & 15
    const third = (words[base + 8 + ((places >>> 16) & 3)]! >>> ((places >>> 16) & 28)) & 15
    const fourth = (words[base + 12 + ((places >>> 24) & 3)]! >>> ((places >>> 24) & 28)) & 15
    // The least of four, by differences' signs: `Math.min` branches, and nobody can predict which way.
    const least = first + ((second - first) & ((second - first) >> 31))
    const other = third + ((fourth - third) & ((fourth - third) >> 31))
    return least + ((other - least) & ((other - least) >> 31))
  }

  increment(hash: number): void {
    const words = this.#words
    const base = (hash & this.#blockMask) << BLOCK_BITS
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1)
    const places = mixed ^ (mixed >>> 16)
    const raised =
      raise(words, base + (places & 3), places & 28) +
      raise(words, base + 4 + ((places >>> 8) & 3), (places >>> 8) & 28) +
      raise(words, base + 8 + ((places >>> 16) & 3), (places >>> 16) & 28) +
      raise(words, base + 12 + ((places >>> 24) & 3), (places >>> 24) & 28)
    if (this.#halved < words.length) this.#halveSome()
    if (raised !== 0 && ++this.#increments >= this.#sample) this.#startHalving()
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
