import { randomFillSync } from 'node:crypto'
import type { Random } from './ports/random.js'

const POOL_BYTES = 8192

/** Randomness of the operating system for ids, drawn in pools; `Math.random` where nobody could gain by guessing. */
class SystemRandom implements Random {
  readonly #pool = Buffer.alloc(POOL_BYTES)
  #used = POOL_BYTES

  next(): number {
    return Math.random()
  }

  fillId(): string {
    return this.#base64url(12)
  }

  shortId(): string {
    return this.#base64url(6)
  }

  #base64url(bytes: number): string {
    if (this.#used + bytes > POOL_BYTES) {
      randomFillSync(this.#pool)
      this.#used = 0
    }
    const from = this.#used
    this.#used += bytes
    return this.#pool.toString('base64url', from, this.#used)
  }
}

export const systemRandom: Random = new SystemRandom()
