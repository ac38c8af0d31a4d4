import type { FoundRow } from './disk-index.js'
import type { DiskEviction } from './disk-tier-options.js'
import { NOTE } from './record.js'

/** How often an entry was used for its size, on a logarithmic scale: eight steps for a factor of two. */
const WORTHS = 256
const WORTH_STEPS = 8
const LEAST_WORTH = -28

export interface RetentionRules {
  readonly eviction: DiskEviction
  /** Of entries that stay; notes are not counted. */
  readonly maxBytes: number
  readonly nowSeconds: number
  sizeOf(row: FoundRow): number
}

/**
 * Who stays when a segment goes: its notes, and what was used since it was written, the most used for its size first. Two
 * walks over its rows, so that nothing is sorted: `count` each, then ask whether it `stays`.
 */
export class Retention {
  readonly #rules: RetentionRules
  readonly #bytesOfWorth = new Float64Array(WORTHS)
  /** Of this worth some stay, of more all. */
  #leastWorth: number | undefined
  #left: number
  /** Of those that were used more meanwhile, too. */
  #kept = 0

  constructor(rules: RetentionRules) {
    this.#rules = rules
    this.#left = rules.maxBytes
  }

  count(row: FoundRow): void {
    if (!isNote(row) && this.#isUsed(row)) this.#bytesOfWorth[this.#worth(row)]! += this.#rules.sizeOf(row)
  }

  stays(row: FoundRow): boolean {
    if (isNote(row)) return true
    if (!this.#isUsed(row)) return false
    this.#leastWorth ??= this.#findLeastWorth()
    const worth = this.#worth(row)
    const size = this.#rules.sizeOf(row)
    if (worth === this.#leastWorth) this.#left -= size
    const isWorthIt = worth > this.#leastWorth || (worth === this.#leastWorth && this.#left >= 0)
    if (!isWorthIt || this.#kept + size > this.#rules.maxBytes) return false
    this.#kept += size
    return true
  }

  /** True if it would stay, as things are. */
  seemsToStay(row: FoundRow): boolean {
    if (isNote(row)) return true
    this.#leastWorth ??= this.#findLeastWorth()
    return this.#isUsed(row) && this.#worth(row) >= this.#leastWorth
  }

  #findLeastWorth(): number {
    let least = WORTHS - 1
    while (least > 0 && this.#left >= this.#bytesOfWorth[least]!) this.#left -= this.#bytesOfWorth[least--]!
    return least
  }

  #isUsed({ uses, expiresAt }: FoundRow): boolean {
    return this.#rules.eviction !== 'fifo' && uses > 0 && expiresAt > this.#rules.nowSeconds
  }

  #worth(row: FoundRow): number {
    if (this.#rules.eviction === 'lru') return 0
    const step = Math.floor((Math.log2(row.uses / this.#rules.sizeOf(row)) - LEAST_WORTH) * WORTH_STEPS)
    return Math.min(Math.max(step, 0), WORTHS - 1)
  }
}

export function isNote({ flags }: Pick<FoundRow, 'flags'>): boolean {
  return (flags & NOTE) !== 0
}
