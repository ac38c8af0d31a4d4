import type { BreakerState } from './breaker-state.js'
import type { Clock } from './clock.js'
import type { Random } from './random.js'
import type { StoredKey } from './shared-tier.js'

/** An entry as it lies on the disk. */
export interface DiskEntry {
  /** Made by `encodeEnvelope`, its `storedAt` on the tier's own time line. */
  readonly envelope: string
  /** Softly invalidated since it was stored. */
  readonly isSoft: boolean
  /** When it is gone, on the tier's own time line: sooner than its life is over if `soften` said so. */
  readonly expiresAtMs: number
  /** Larger than `mark()` was before it was stored; it keeps it when it is moved. */
  readonly sequence: number
}

export interface DiskWrite {
  readonly key: StoredKey
  readonly envelope: string
  /** Gone after so many milliseconds: fresh and stale life. */
  readonly keepMs: number
  readonly isSoft: boolean
}

/** Something that the core must not forget: it survives eviction. */
export interface DiskNote {
  readonly name: string
  readonly text: string
  /** Gone after so many milliseconds. Default: kept until it is written anew. */
  readonly keepMs?: number | undefined
}

/**
 * Disk: this process only, asynchronous, and still there in the next process. What is written later is never on the
 * disk without what was written before it. Nothing rejects because of the disk: what cannot be read is absent, what
 * cannot be written answers false, and is told as trouble.
 */
export interface DiskTier {
  readonly kind: 'local'
  readonly name: 'disk'
  /** Resolves when the directory was read. False: it cannot be used, and every call does nothing. */
  readonly opened: Promise<boolean>
  /** 'opening' until `opened` resolves. */
  readonly state: 'opening' | 'open' | 'failed' | 'closed'
  /** True if a write that is acknowledged survives a power cut. */
  readonly isPowerSafe: boolean
  /** Names this start of the machine: what the last one wrote without `sync` may be missing. '' if it cannot be told. */
  readonly bootId: string
  /** A larger envelope is refused. */
  readonly maxEntryBytes: number
  /** Milliseconds since the Unix epoch on a time line that never goes back, across restarts. */
  nowMs(): number
  /** What is written from now on has a larger sequence. */
  mark(): number
  read(keys: readonly StoredKey[]): Promise<(DiskEntry | undefined)[]>
  /** All or none of them survive a crash. False: not stored, and what was there is gone. */
  write(entries: readonly DiskWrite[]): Promise<boolean>
  /** Gone for every read from now on. Resolves when it would survive the process. */
  remove(keys: readonly StoredKey[]): Promise<boolean>
  /** As `remove`, but they stay as softly invalidated, and for no more than so many milliseconds. */
  soften(keys: readonly StoredKey[], keepMs?: number): Promise<boolean>
  /** 'damaged': there is one, and it cannot be read. */
  readNotes(names: readonly string[]): Promise<(string | undefined | typeof DAMAGED)[]>
  writeNotes(notes: readonly DiskNote[]): Promise<boolean>
  /** Resolves when everything so far survives a power cut; false: something of it was lost. */
  sync(): Promise<boolean>
  usage(): DiskUsage
  close(): Promise<void>
}

export const DAMAGED: unique symbol = Symbol('freshtier.damaged')

export interface DiskUsage {
  readonly entries: number
  readonly bytes: number
  readonly maxEntries: number
  readonly maxBytes: number
  readonly evicted: number
  readonly refused: number
  readonly damaged: number
  readonly errors: number
  /** Breakers of the device. */
  readonly reads: BreakerState
  readonly writes: BreakerState
}

/** What a disk tier tells: a failed operation, a breaker that changed, records that could not be read as written. */
export type DiskTrouble =
  | { readonly kind: 'failed'; readonly operation: string; readonly error: unknown }
  | { readonly kind: 'breaker'; readonly part: 'reads' | 'writes'; readonly state: BreakerState }
  | { readonly kind: 'damaged'; readonly records: number }

export interface DiskTierContext {
  readonly cacheName: string
  readonly clock: Clock
  readonly random: Random
  /** Must not throw. */
  readonly onTrouble: (trouble: DiskTrouble) => void
}

/** What `diskTier(options)` returns: checked, frozen options that a cache opens once for itself. */
export interface DiskTierDefinition {
  readonly kind: 'local'
  readonly name: 'disk'
  /** @throws CacheError `DISK_LOCKED` if another process has the directory. */
  open(context: DiskTierContext): DiskTier
}
