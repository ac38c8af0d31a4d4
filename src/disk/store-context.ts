import type { Clock } from '../core/ports/clock.js'
import type { Random } from '../core/ports/random.js'
import type { BreakerState } from './breaker.js'

export interface DiskStats {
  readonly state: 'opening' | 'open' | 'failed' | 'closed'
  readonly entries: number
  readonly maxEntries: number
  /** Of the log and of values' own files. */
  readonly bytes: number
  readonly maxBytes: number
  /** Appended to the log since the store was opened, what was moved to keep it included. */
  readonly writtenBytes: number
  readonly segments: number
  readonly files: number
  readonly indexBytes: number
  readonly hits: number
  readonly misses: number
  readonly stores: number
  readonly refused: number
  readonly evicted: number
  /** Records that were there and could not be read as written. */
  readonly damaged: number
  readonly errors: number
  readonly reads: BreakerState
  readonly writes: BreakerState
}

export interface StoreContext {
  readonly clock: Clock
  readonly random: Random
  /** Told about what went wrong and about breakers; must not throw. */
  readonly onTrouble: (trouble: Trouble) => void
  /** False: maintenance runs in this thread. */
  readonly hasWorker?: boolean | undefined
}

export type Trouble =
  | { readonly kind: 'failed'; readonly operation: string; readonly error: unknown }
  | { readonly kind: 'breaker'; readonly part: 'reads' | 'writes'; readonly state: BreakerState }
  | { readonly kind: 'damaged'; readonly records: number }
