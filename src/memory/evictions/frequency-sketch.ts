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
    const first = (words[base | (places & 3)]! >>> (places & 28)) & 15
    const second = (words[base | ((places >>> 8) & 3) | 4]! >>> ((places >>> 8) & 28)) & 15
    const third = (words[base | ((places >>> 16) & 3) | 8]! >>> ((places >>> 16) & 28)) & 15
    const fourth = (words[base | ((places >>> 24) & 3) | 12]! >>> ((places >>> 24) & 28)) & 15
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
    const at1 = base | (places & 3)
    const at2 = base | ((places >>> 8) & 3) | 4
    const at3 = base | ((places >>> 16) & 3) | 8
    const at4 = base | ((places >>> 24) & 3) | 12
    // 1, or 0 for a counter at its end: also without a branch.
    const step1 = (((words[at1]! >>> (places & 28)) & 15) - MAX_FREQUENCY) >>> 31
    const step2 = (((words[at2]! >>> ((places >>> 8) & 28)) & 15) - MAX_FREQUENCY) >>> 31
    const step3 = (((words[at3]! >>> ((places >>> 16) & 28)) & 15) - MAX_FREQUENCY) >>> 31
    const step4 = (((words[at4]! >>> ((places >>> 24) & 28)) & 15) - MAX_FREQUENCY) >>> 31
    words[at1]! += step1 << (places & 28)
    words[at2]! += step2 << ((places >>> 8) & 28)
    words[at3]! += step3 << ((places >>> 16) & 28)
    words[at4]! += step4 << ((places >>> 24) & 28)
    if (this.#halved < words.length) this.#halveSome()
    if ((step1 | step2 | step3 | step4) !== 0 && ++this.#increments >= this.#sample) this.#startHalving()
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
