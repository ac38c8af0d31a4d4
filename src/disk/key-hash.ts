import { charCodeAt } from '../core/char-code-at.js'

/**
 * 64 bits of a key in two halves, the same in every process: they stand in hint files and record tails. Both halves
 * are set by `of`, which allocates nothing.
 *
 * After cyrb53 by bryc (public domain): two multiplicative hashes that are mixed into each other at the end.
 */
export class KeyHash {
  low = 0
  high = 0

  of(key: string): this {
    let a = 0xdeadbeef ^ key.length
    let b = 0x41c6ce57
    for (let at = 0; at < key.length; at++) {
      const code = charCodeAt(key, at)
      a = Math.imul(a ^ code, 0x9e3779b1)
      b = Math.imul(b ^ code, 0x5f356495)
    }
    this.low = (Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35)) >>> 0
    this.high = (Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(this.low ^ (this.low >>> 13), 0xc2b2ae35)) >>> 0
    return this
  }
}
