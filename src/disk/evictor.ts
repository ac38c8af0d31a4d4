import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiskIndex, IndexRow } from './disk-index.js'
import type { DiskRules } from './disk-tier-options.js'
import type { DiskTime } from './disk-time.js'
import { type FileRef, HintRows } from './hint.js'
import { type LogOp, logOp } from './log-op.js'
import { planReads } from './read-plan.js'
import {
  ENTRY,
  HAS_FILE,
  keyOf,
  NEVER,
  NOTE,
  type RecordType,
  readHead,
  SOFT,
  SOFTENED,
  TOMBSTONE,
  valueAt,
} from './record.js'
import { HEALING } from './recover.js'
import { hintPath, type Segment } from './segment.js'
import type { SegmentLog } from './segment-log.js'

/** Bytes of copies that wait to be written at a time. */
const CHUNK_BYTES = 256 * 1024
/** Segments that are kept free, so that the background work is done before a store needs the room. */
const SPARE_SEGMENTS = 2

/** The store, as far as making room concerns it. */
export interface EvictorStore {
  readonly rules: DiskRules
  readonly log: SegmentLog
  readonly directory: string
  readonly index: DiskIndex
  readonly time: DiskTime
  fileBytes(): number
  fileOf(low: number, high: number): FileRef | undefined
  onDropped(low: number, high: number): void
  /** A note whose segment is gone before its copy is written. */
  keepReadable(op: LogOp): void
  onError(operation: string, error: unknown): void
}

/** One record that may have to be moved, or a tombstone that must be. */
interface Candidate extends Partial<Pick<IndexRow, 'uses' | 'expiresAt'>> {
  readonly type: RecordType
  readonly low: number
  readonly high: number
  readonly segment: Segment
  readonly offset: number
  readonly length: number
  readonly isNote: boolean
}

/**
 * Makes room by dropping the oldest segment whole; what was used since it was written is written anew first.
 *
 * ```
 *  after each new segment, in the background:
 *    nearly full? ──► oldest segment: notes and used entries copied to the front of the log ──► dropped
 *    a segment more than half dead? ──► what lives is copied, tombstones that older segments need, too ──► dropped
 *  no room when it is needed, or a full disk: oldest dropped at once, only notes are copied
 * ```
 *
 * Why no older value can come back: the oldest segment goes first, and one in between leaves its tombstones.
 */
export class Evictor {
  readonly #store: EvictorStore
  #working: Promise<void> | undefined
  /** Room is needed at once: what is being copied in the background is given up. */
  #isHurried = false
  #isClosed = false

  constructor(store: EvictorStore) {
    this.#store = store
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#working
  }

  /** Before a new segment. True if something was dropped. */
  async makeRoom(isFull: boolean): Promise<boolean> {
    const { log, directory } = this.#store
    let hasDropped = false
    while (isFull ? !hasDropped : this.#excess(1) > 0) {
      const [victim] = log.sealed
      if (victim === undefined) break
      this.#isHurried = true
      const notes = this.#rowsOf(victim).filter(({ isNote }) => isNote)
      if (isFull && notes.length > 0) await writeFile(join(directory, HEALING), '')
      const copies = await this.#copies(notes)
      this.#forget(victim)
      log.pushCopies(copies)
      if (isFull) {
        for (const copy of copies) this.#store.keepReadable(copy)
        await victim.leave({ remove: true })
        log.discard(victim)
        if (notes.length > 0) this.#healed()
      } else log.drop(victim)
      hasDropped = true
    }
    this.#isHurried = false
    return hasDropped
  }

  /** Looks after the segments once the present turn is over. */
  tidySoon(): void {
    if (this.#isClosed || this.#working !== undefined) return
    this.#working = this.#tidy()
      .catch((error: unknown) => this.#store.onError('evict', error))
      .finally(() => {
        this.#working = undefined
      })
  }

  async #tidy(): Promise<void> {
    const { log } = this.#store
    const [oldest] = log.sealed
    if (oldest && this.#excess(SPARE_SEGMENTS) > 0) await this.#evict(oldest)
    const half = log.sealed.find(
      (segment) => segment !== oldest && segment.liveBytes * 2 < segment.bytes + segment.fileBytes,
    )
    if (half && !this.#isClosed) await this.#compact(half)
  }

  /** Bytes, or entries, above the budget if so many segments more are to fit. */
  #excess(segments: number): number {
    const { rules, log, index } = this.#store
    const bytes = log.bytes + this.#store.fileBytes() + segments * rules.segmentBytes - rules.maxBytes
    return Math.max(bytes, index.size - rules.maxEntries)
  }

  async #evict(victim: Segment): Promise<void> {
    const { rules } = this.#store
    const rows = this.#rowsOf(victim)
    const kept = rows.filter(({ isNote }) => isNote)
    if (rules.eviction !== 'fifo') kept.push(...this.#used(victim, rows))
    if (!(await this.#move(kept))) return
    this.#forget(victim)
    this.#store.log.drop(victim)
  }

  /** What was used since it was written, the most used for their size first, up to half a segment. */
  #used(victim: Segment, rows: readonly Candidate[]): Candidate[] {
    const { rules, time } = this.#store
    const nowSeconds = time.nowMs() / 1000
    const used = rows.filter(({ isNote, uses = 0, expiresAt = 0 }) => !isNote && uses > 0 && expiresAt > nowSeconds)
    const worth = (row: Candidate): number => (row.uses ?? 0) / this.#size(row)
    if (rules.eviction === 'lfu') used.sort((a, b) => worth(b) - worth(a))
    let left = Math.max(victim.bytes + victim.fileBytes, rules.segmentBytes) / 2
    return used.filter((row) => {
      left -= this.#size(row)
      return left >= 0
    })
  }

  #size({ low, high, length }: Candidate): number {
    return length + (this.#store.fileOf(low, high)?.bytes ?? 0)
  }

  async #compact(segment: Segment): Promise<void> {
    const { log, index, time } = this.#store
    const [oldest] = log.sealed
    // A barrier must stay where it is, and the oldest segment is dropped soon anyway.
    if (segment.hasBarrier || oldest === segment) return
    const bytes = await readFile(hintPath(segment.path)).catch(() => undefined)
    const hint = bytes && HintRows.decode(bytes, segment.bytes)
    if (hint === undefined) return
    const wanted: Candidate[] = []
    const nowSeconds = time.nowMs() / 1000
    for (const { type, low, high, offset, length, flags, expiresAt } of hint) {
      // What stands for a damaged record has no bytes to copy.
      if (length === 0) return
      const isKnown = index.find(low, high)
      const isHere = isKnown && index.isAt(segment.slot, offset)
      const row = { low, high, segment, offset, length, isNote: (flags & NOTE) !== 0 }
      if (type === ENTRY && isHere) wanted.push({ ...row, type: expiresAt > nowSeconds ? ENTRY : TOMBSTONE })
      else if (type === TOMBSTONE && !isKnown) wanted.push({ ...row, type })
      else if (type === SOFTENED && isKnown && index.flags & SOFT) wanted.push({ ...row, type })
    }
    if (!(await this.#move(wanted))) return
    this.#forget(segment)
    log.drop(segment)
  }

  /** Writes records anew, a few at a time. False if it was given up. */
  async #move(wanted: readonly Candidate[]): Promise<boolean> {
    const { log } = this.#store
    let chunk: Candidate[] = []
    let bytes = 0
    for (const [index, one] of wanted.entries()) {
      chunk.push(one)
      bytes += one.length
      if (bytes < CHUNK_BYTES && index < wanted.length - 1) continue
      if (this.#isHurried || this.#isClosed || log.segment(one.segment.slot) !== one.segment) return false
      const copies = await this.#copies(chunk)
      if (!(await written(log, copies))) return false
      chunk = []
      bytes = 0
    }
    return !this.#isHurried && !this.#isClosed
  }

  /** The records as they are to be written anew; those that cannot be read are left out. */
  async #copies(wanted: readonly Candidate[]): Promise<LogOp[]> {
    const copies: LogOp[] = []
    for (const run of planReads(wanted)) {
      const bytes = Buffer.allocUnsafe(run.length)
      const count = await run.segment.read(bytes, run.offset)
      for (const place of run.places) {
        const copy = this.#copy(bytes.subarray(0, count), place.offset - run.offset, place)
        if (copy) copies.push(copy)
      }
    }
    return copies
  }

  #copy(bytes: Buffer, at: number, place: Candidate): LogOp | undefined {
    const head = readHead(bytes, at)
    const value = head && valueAt(bytes, at, head)
    if (head === undefined || value === undefined) return undefined
    const { low, high, type, segment, offset } = place
    const key = keyOf(bytes, at, head)
    const copyOf = { slot: segment.slot, offset }
    if (type !== ENTRY) return logOp({ type, key, low, high, copyOf, expiresAt: NEVER })
    const { index } = this.#store
    const flags = head.flags | (index.find(low, high) ? index.flags & SOFT : 0)
    const file = flags & HAS_FILE ? this.#store.fileOf(low, high) : undefined
    const { codec, valueBytes, rawBytes, expiresAt, sequence } = head
    return logOp({ type, key, low, high, copyOf, value, valueBytes, rawBytes, codec, flags, expiresAt, sequence, file })
  }

  /** Entries of a segment leave the index; notes stay until their copies are written. */
  #forget(segment: Segment): void {
    const { index } = this.#store
    for (const { low, high, isNote } of this.#rowsOf(segment)) {
      if (isNote || !index.find(low, high)) continue
      index.remove()
      this.#store.onDropped(low, high)
    }
  }

  #rowsOf(segment: Segment): Candidate[] {
    return this.#store.index
      .inSegment(segment.slot)
      .map((row) => ({ ...row, type: ENTRY, segment, isNote: (row.flags & NOTE) !== 0 }))
  }

  /** The notes of a segment that went before they were written anew are written now. */
  #healed(): void {
    const { log, directory } = this.#store
    void log.sync().then(async (isWritten) => {
      if (isWritten) await rm(join(directory, HEALING), { force: true })
    })
  }
}

/** Resolves when copies are in the log, or were found not to be wanted any more. */
function written(log: SegmentLog, copies: readonly LogOp[]): Promise<boolean> {
  const last = copies.at(-1)
  if (last === undefined) return Promise.resolve(true)
  return new Promise((settle) => {
    last.settle = settle
    log.pushCopies(copies)
  })
}
