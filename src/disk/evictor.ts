import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Catalog } from './catalog.js'
import type { FoundRow } from './disk-index.js'
import type { DiskRules } from './disk-tier-options.js'
import type { DiskTime } from './disk-time.js'
import { type HintRow, HintRows } from './hint.js'
import { ENTRY, type RecordType, SOFT, SOFTENED, TOMBSTONE } from './record.js'
import { type Movable, RecordMover } from './record-mover.js'
import { HEALING } from './recover.js'
import { isNote, Retention } from './retention.js'
import { hintPath, type Segment } from './segment.js'
import type { SegmentLog } from './segment-log.js'
import { nextTurn, TurnShare } from './turn-clock.js'

/** Kept free for what is stored while a segment is emptied: in segments, at first, at least and at most. */
const FIRST_RESERVE = 1 / 4
const LEAST_RESERVE = 1 / 16
const MOST_RESERVE = 2
/** More than was needed the last time; twice of what was too little; with time less, if less was needed. */
const RESERVE_MARGIN = 1.25
const RESERVE_GROWTH = 2
const RESERVE_DECAY = 0.9
/** Of a segment: most that is kept of it when it goes. */
const KEPT_SHARE = 1 / 2
/** Where few entries fill few segments, of all entries. */
const MOST_ENTRIES_AHEAD = 1 / 16
/** Of a segment: notes of one that must go at once are written before its room is free. */
const NOTES_SHARE = 1 / 16
/** Of a segment: what is kept of it is sorted, read and moved piece by piece. */
const PIECE_BYTES = 1024 * 1024

/** To look a row of a hint up in the index, somewhere in memory. */
const WORK_OF_A_HINT_ROW = 60

/** The store, as far as making room concerns it. */
export interface EvictorParts {
  readonly rules: DiskRules
  readonly log: SegmentLog
  readonly catalog: Catalog
  readonly directory: string
  readonly time: DiskTime
  onEvicted(): void
  onError(operation: string, error: unknown): void
}

/**
 * Makes room by dropping the oldest segment whole; what was used since it was written is written anew first.
 *
 * ```
 *  in the background:
 *    nearly full? ──► oldest segment: notes and used entries copied to the front of the log ──► dropped
 *    a segment more than half dead? ──► what lives is copied, tombstones that older segments need, too ──► dropped
 *  no room when it is needed, or a full disk: oldest dropped at once, only notes are copied
 * ```
 *
 * Nearly full: the copies must fit, and what is stored meanwhile. How much the first is, is known; the second is as much
 * as the last time. So no more lies idle than the pace of stores asks for.
 *
 * All of it in small steps with turns of the loop in between, so that what was looked up in one step is looked up again
 * when it counts: a copy is only written if the index still knows the original, and a segment is dropped once.
 *
 * Why no older value can come back: the oldest segment goes first, and one in between leaves its tombstones.
 */
export class Evictor {
  readonly #parts: EvictorParts
  readonly #mover: RecordMover
  #working: Promise<void> | undefined
  #healing: Promise<void> | undefined
  #isClosed = false
  /** Segments whose entries are forgotten, and whose files are not known to be gone. */
  #dropping = 0
  /** All that wanted to be written so far, in bytes. */
  #asked = 0
  #reserve: number

  constructor(parts: EvictorParts) {
    this.#parts = parts
    this.#reserve = parts.rules.segmentBytes * FIRST_RESERVE
    this.#mover = new RecordMover(parts.log, parts.catalog, () => this.#isClosed)
  }

  /** True: a key that the index does not know may still be on the disk, so that a deletion must say so there. */
  get isDropping(): boolean {
    return this.#dropping > 0
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#working
    await this.#healing
  }

  /** Before so many bytes are written; begins to make room for those that come next. */
  hasRoomFor(bytes: number): boolean {
    this.#asked += bytes
    if (this.#isScarce(bytes)) this.tidySoon()
    return !this.#lacks(bytes + this.#forNotes)
  }

  /** At once: nothing but notes is kept of what is dropped. */
  async makeRoom(bytes: number): Promise<void> {
    const { log } = this.#parts
    this.#setReserve(this.#reserve * RESERVE_GROWTH)
    while (this.#lacks(bytes + this.#forNotes)) {
      const victim = log.oldest
      if (victim === undefined) return
      const hint = await hintOf(victim)
      log.pushCopies(await this.#mover.copies(await this.#notesOf(victim, hint)))
      await this.#drop(victim, hint)
    }
  }

  /** The disk itself is full. False if there is nothing to drop. */
  async heal(): Promise<boolean> {
    const victim = this.#parts.log.oldest
    if (victim !== undefined) await this.#heal(victim)
    return victim !== undefined
  }

  /** The segment must be gone before anything is written, its notes too: until they are written anew, they are in memory. */
  async #heal(victim: Segment): Promise<void> {
    const { log, catalog, directory } = this.#parts
    const hint = await hintOf(victim)
    const notes = await this.#notesOf(victim, hint)
    const healing = join(directory, HEALING)
    if (notes.length > 0) await writeFile(healing, '')
    const copies = await this.#mover.copies(notes)
    await this.#forget(victim, hint)
    for (const copy of copies) catalog.pending.set(copy.key, copy)
    log.pushCopies(copies)
    this.#left(await log.remove(victim))
    if (notes.length === 0) return
    const healed = log.sync().then((isWritten) => (isWritten ? rm(healing, { force: true }) : undefined))
    this.#healing = healed.catch((error: unknown) => this.#parts.onError('evict', error))
  }

  /** Looks after the segments once the present turn is over. */
  tidySoon(): void {
    if (this.#isClosed || this.#working !== undefined) return
    this.#working = this.#tidy()
      .catch((error: unknown) => this.#parts.onError('evict', error))
      .finally(() => {
        this.#working = undefined
      })
  }

  async #tidy(): Promise<void> {
    await nextTurn()
    const { log } = this.#parts
    const { oldest } = log
    if (oldest && this.#isScarce(0)) {
      const storedBefore = this.#asked - this.#mover.bytes
      await this.#evict(oldest)
      this.#setReserve((this.#asked - this.#mover.bytes - storedBefore) * RESERVE_MARGIN)
    }
    for (const segment of log.sealed.slice(1)) {
      const isHalfDead = segment.liveBytes * 2 < segment.bytes + segment.fileBytes
      // A barrier must stay where it is; the oldest segment is dropped soon anyway.
      if (!isHalfDead || segment.hasBarrier || this.#isClosed) continue
      const hint = await hintOf(segment)
      if (hint) return this.#compact(segment, hint)
    }
  }

  /** True if so many bytes more are too many, or as many entries more as they usually are. */
  #lacks(bytes: number): boolean {
    const { rules, log, catalog } = this.#parts
    const kept = log.keptBytes + catalog.fileBytes
    const entries = catalog.index.size * (1 + Math.min(bytes / Math.max(kept, 1), MOST_ENTRIES_AHEAD))
    return kept + bytes > rules.maxBytes || entries > rules.maxEntries
  }

  /** True if so many bytes more would leave too little to empty the oldest segment in peace. */
  #isScarce(bytes: number): boolean {
    const { rules, log } = this.#parts
    const { oldest } = log
    if (oldest === undefined) return false
    const copies = rules.eviction === 'fifo' ? 0 : Math.min(oldest.usedBytes, rules.segmentBytes * KEPT_SHARE)
    return this.#lacks(bytes + copies + this.#reserve + this.#forNotes)
  }

  get #forNotes(): number {
    return this.#parts.rules.segmentBytes * NOTES_SHARE
  }

  #setReserve(bytes: number): void {
    const { segmentBytes } = this.#parts.rules
    const wanted = Math.max(bytes, this.#reserve * RESERVE_DECAY, segmentBytes * LEAST_RESERVE)
    this.#reserve = Math.min(wanted, segmentBytes * MOST_RESERVE)
  }

  async #evict(victim: Segment): Promise<void> {
    const { rules, catalog, time } = this.#parts
    const retention = new Retention({
      eviction: rules.eviction,
      maxBytes: Math.max(victim.bytes + victim.fileBytes, rules.segmentBytes) * KEPT_SHARE,
      nowSeconds: time.nowMs() / 1000,
      sizeOf: ({ low, high, length }) => length + (catalog.fileOf(low, high)?.bytes ?? 0),
    })
    const hint = await hintOf(victim)
    await this.#visit(victim, hint, (row) => retention.count(row))
    const pieces = Array.from({ length: Math.ceil(victim.bytes / PIECE_BYTES) }, (): Movable[] => [])
    await this.#visit(victim, hint, (row) => {
      if (retention.stays(row)) pieces[Math.floor(row.offset / PIECE_BYTES)]!.push(movable(row, victim))
    })
    for (const piece of pieces) {
      piece.sort((a, b) => a.offset - b.offset)
      if (!(await this.#mover.move(victim, piece))) return
    }
    await this.#drop(victim, hint)
  }

  async #compact(segment: Segment, hint: HintRows): Promise<void> {
    const share = new TurnShare()
    const wanted: Movable[] = []
    for (const row of hint) {
      // What stands for a damaged record has no bytes to copy.
      if (row.length === 0) return
      const type = this.#typeToKeep(row, segment)
      if (type !== undefined) wanted.push(movable(row, segment, type))
      const turn = share.spend(WORK_OF_A_HINT_ROW)
      if (turn !== undefined) await turn
    }
    if (await this.#mover.move(segment, wanted)) await this.#drop(segment, hint)
  }

  /** As what a record of a segment that leaves from the middle is written anew; undefined if nobody needs it. */
  #typeToKeep({ type, low, high, offset, expiresAt }: HintRow, { slot }: Segment): RecordType | undefined {
    const { index } = this.#parts.catalog
    const isKnown = index.find(low, high)
    switch (type) {
      case ENTRY:
        if (!isKnown || !index.isAt(slot, offset)) return undefined
        // Older segments may have something of this key that may live longer.
        return expiresAt > this.#parts.time.nowMs() / 1000 ? ENTRY : TOMBSTONE
      case TOMBSTONE:
        return isKnown ? undefined : TOMBSTONE
      case SOFTENED:
        return isKnown && index.flags & SOFT ? SOFTENED : undefined
      default:
        return undefined
    }
  }

  /**
   * What the index knows of a segment, step by step. Its hint says where to look; without one the whole index is walked,
   * which takes as much longer as the index is larger than the segment.
   */
  async #visit(segment: Segment, hint: HintRows | undefined, visit: (row: FoundRow) => void): Promise<void> {
    const share = new TurnShare()
    const { index } = this.#parts.catalog
    if (hint === undefined) {
      for (const { rows, work } of index.inSegment(segment.slot)) {
        for (const row of rows) visit(row)
        const turn = share.spend(work)
        if (turn !== undefined) await turn
      }
      return
    }
    for (const { low, high, offset } of hint) {
      if (index.find(low, high) && index.isAt(segment.slot, offset)) visit(index.row())
      const turn = share.spend(WORK_OF_A_HINT_ROW)
      if (turn !== undefined) await turn
    }
  }

  async #notesOf(segment: Segment, hint: HintRows | undefined): Promise<Movable[]> {
    const notes: Movable[] = []
    await this.#visit(segment, hint, (row) => {
      if (isNote(row)) notes.push(movable(row, segment))
    })
    return notes
  }

  async #drop(segment: Segment, hint: HintRows | undefined): Promise<void> {
    await this.#forget(segment, hint)
    // Not awaited: it goes with the next group, and the log may be waiting for us.
    void this.#parts.log.drop(segment).then((isGone) => this.#left(isGone))
  }

  /** Entries of a segment leave the index; notes stay until their copies are written. */
  async #forget(segment: Segment, hint: HintRows | undefined): Promise<void> {
    const { catalog, onEvicted } = this.#parts
    this.#dropping++
    await this.#visit(segment, hint, (row) => {
      const { low, high } = row
      if (isNote(row) || !catalog.index.find(low, high)) return
      catalog.index.remove()
      catalog.forgetFile(low, high)
      onEvicted()
    })
  }

  /** A segment that the disk does not let go of is there for the next process. */
  #left(isGone: boolean): void {
    if (isGone) this.#dropping--
  }
}

/** Undefined if it is not written yet, or could not be. */
async function hintOf(segment: Segment): Promise<HintRows | undefined> {
  const bytes = await readFile(hintPath(segment.path)).catch(() => undefined)
  return bytes && HintRows.decode(bytes, segment.bytes)
}

function movable(row: FoundRow | HintRow, segment: Segment, type: RecordType = ENTRY): Movable {
  const { low, high, offset, length } = row
  return { type, low, high, segment, offset, length }
}
