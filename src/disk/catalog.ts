import { DiskIndex, type FoundRow } from './disk-index.js'
import type { DiskEviction } from './disk-tier-options.js'
import type { FileRef, HintRow } from './hint.js'
import type { LogOp } from './log-op.js'
import { ENTRY, HAS_FILE, NOTE, SOFT, SOFTENED, TOMBSTONE } from './record.js'
import { fileKey, type Recovered } from './recover.js'
import type { Segment } from './segment.js'
import { TurnShare, WORK_OF_A_HINT_ROW } from './turn-clock.js'
import type { ValueFiles } from './value-files.js'

/** Where a key's record lies. */
export interface Place {
  readonly key: string
  readonly low: number
  readonly high: number
  readonly segment: Segment
  readonly slot: number
  readonly offset: number
  readonly length: number
  readonly flags: number
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
  readonly file: FileRef | undefined
}

export interface CatalogParts {
  readonly eviction: DiskEviction
  readonly files: ValueFiles
  segment(slot: number): Segment | undefined
}

/**
 * What the store knows without asking the disk: where each entry lies, which of them have a file of their own, what is
 * still on its way into the log, and how much of each segment is alive. All of it changes in one step: when a record was
 * written, or when a key was deleted.
 */
export class Catalog {
  readonly #parts: CatalogParts
  index: DiskIndex
  /** Where values with a file of their own lie, by `fileKey`. */
  readonly #files = new Map<number, FileRef>()
  fileBytes = 0
  /** Of the records of notes. */
  noteBytes = 0
  /** The newest store of each key that is not in the log yet. */
  readonly pending = new Map<string, LogOp>()

  constructor(parts: CatalogParts, seed: number) {
    this.#parts = parts
    this.index = new DiskIndex(seed)
  }

  /** What lay in the directory. */
  adopt({ index, files, noteBytes }: Pick<Recovered, 'index' | 'files' | 'noteBytes'>): void {
    this.index = new DiskIndex(index)
    this.noteBytes = noteBytes
    for (const { low, high, file } of files) this.#name(low, high, file)
  }

  get fileCount(): number {
    return this.#files.size
  }

  fileOf(low: number, high: number): FileRef | undefined {
    return this.#files.get(fileKey(low, high))
  }

  /** True if the record at this place is the newest of its key. */
  isAt({ low, high, offset }: Pick<FoundRow, 'low' | 'high' | 'offset'>, { slot }: Segment): boolean {
    return this.index.find(low, high) && this.index.isAt(slot, offset)
  }

  /**
   * What the index knows of a segment, step by step. Its hint's rows say where to look; without them the whole index is
   * walked, which takes as much longer as the index is larger than the segment.
   */
  async visit(segment: Segment, rows: Iterable<HintRow> | undefined, visit: (row: FoundRow) => void): Promise<void> {
    const share = new TurnShare()
    if (rows === undefined) {
      for (const { rows, work } of this.index.inSegment(segment.slot)) {
        for (const row of rows) visit(row)
        const turn = share.spend(work)
        if (turn !== undefined) await turn
      }
      return
    }
    for (const row of rows) {
      if (this.isAt(row, segment)) visit(this.index.row())
      const turn = share.spend(WORK_OF_A_HINT_ROW)
      if (turn !== undefined) await turn
    }
  }

  /** Counts a use of the found row. */
  use(): void {
    const { index } = this
    const segment = index.uses === 0 ? this.#parts.segment(index.segment) : undefined
    if (segment) segment.usedBytes += index.length
    index.use()
  }

  /** Of the row that `index.find` found last; undefined if nothing is there to be read. */
  place(key: string, low: number, high: number): Place | undefined {
    const { segment: slot, offset, length, flags, expiresAt } = this.index
    const file = flags & HAS_FILE ? this.fileOf(low, high) : undefined
    if (flags & HAS_FILE && file === undefined) return undefined
    const segment = this.#parts.segment(slot)
    return segment && { key, low, high, segment, slot, offset, length, flags, expiresAt, file }
  }

  /** Takes the found row out of the index, and its file off the disk. */
  forget(low: number, high: number): void {
    this.#countLive(low, high, -1)
    this.index.remove()
    this.forgetFile(low, high)
  }

  forgetFile(low: number, high: number): void {
    const file = this.fileOf(low, high)
    if (file === undefined) return
    this.#files.delete(fileKey(low, high))
    this.fileBytes -= file.bytes
    void this.#parts.files.remove(this.#parts.files.path(low, high, file))
  }

  /** The file of a store that came to nothing. */
  removeFile({ low, high, file }: LogOp): void {
    if (file) void this.#parts.files.remove(this.#parts.files.path(low, high, file))
  }

  /** Right before a record is written: one that is moved may have been replaced or deleted meanwhile. */
  isWanted({ copyOf, type, low, high, key }: LogOp): boolean {
    if (copyOf === undefined) return true
    const isKnown = this.index.find(low, high)
    const isThere = isKnown && this.index.isAt(copyOf.slot, copyOf.offset)
    // The tombstone takes the place of an expired entry, or of a tombstone that nothing came after.
    if (type === TOMBSTONE) return isThere || (!isKnown && !this.pending.has(key))
    return type === SOFTENED ? isKnown && (this.index.flags & SOFT) !== 0 : isThere
  }

  /** A record is in the log. */
  applied(op: LogOp, segment: Segment): void {
    if (op.type !== ENTRY) return
    const { low, high, key, copyOf } = op
    if (this.pending.get(key) === op) this.pending.delete(key)
    if (op.isCancelled) {
      if (!copyOf) this.removeFile(op)
      return
    }
    let uses = 0
    let softened = 0
    let { expiresAt } = op
    const isKnown = this.index.find(low, high)
    if (copyOf) {
      if (!isKnown || !this.index.isAt(copyOf.slot, copyOf.offset)) return
      uses = this.#parts.eviction === 'lfu' ? this.index.uses >> 1 : 0
      // A softening that came while a copy was on its way stays.
      softened = this.index.flags & SOFT
      expiresAt = this.index.expiresAt
      this.#countLive(low, high, -1)
    } else if (isKnown) {
      this.#countLive(low, high, -1)
      this.forgetFile(low, high)
    }
    const { offset, length, flags, file } = op
    this.index.put(low, high, { segment: segment.slot, offset, length, expiresAt, flags: flags | softened, uses })
    if (file && !copyOf) this.#name(low, high, file)
    segment.liveBytes += length + (file?.bytes ?? 0)
    if (flags & NOTE) this.noteBytes += length
    if (uses > 0) segment.usedBytes += length
  }

  /** A record could not be written. */
  lost(op: LogOp): void {
    if (op.type !== ENTRY || op.copyOf) return
    this.removeFile(op)
    if (this.pending.get(op.key) === op) this.pending.delete(op.key)
    // Acknowledged or not, the older value is not what its owner wanted.
    if (!op.isCancelled && this.index.find(op.low, op.high)) this.forget(op.low, op.high)
  }

  #name(low: number, high: number, file: FileRef): void {
    this.#files.set(fileKey(low, high), file)
    this.fileBytes += file.bytes
  }

  #countLive(low: number, high: number, sign: 1 | -1): void {
    const { index } = this
    const segment = this.#parts.segment(index.segment)
    const file = index.flags & HAS_FILE ? this.fileOf(low, high) : undefined
    if (index.flags & NOTE) this.noteBytes += sign * index.length
    if (segment === undefined) return
    segment.liveBytes += sign * (index.length + (file?.bytes ?? 0))
    if (index.uses > 0) segment.usedBytes += sign * index.length
  }
}
