import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Catalog } from './catalog.js'
import type { FoundRow } from './disk-index.js'
import type { DiskRules } from './disk-tier-options.js'
import type { DiskTime } from './disk-time.js'
import { Drain, type Part } from './drain.js'
import { type HintRow, HintRows } from './hint.js'
import { ENTRY, type RecordType, SOFT, SOFTENED, TOMBSTONE } from './record.js'
import { type Movable, RecordMover } from './record-mover.js'
import { HEALING } from './recover.js'
import { isNote, Retention } from './retention.js'
import { hintPath, type Segment } from './segment.js'
import type { SegmentLog } from './segment-log.js'
import { nextTurn, TurnShare, WORK_OF_A_HINT_ROW } from './turn-clock.js'

/** Of a segment: what leaves at a time, if no more is stored meanwhile than half of that. */
const SLICE = 1 / 8
const RESERVES_IN_A_SLICE = 2
/** Kept free for what is stored while a slice is emptied: in segments, at first, at least and at most. */
const FIRST_RESERVE = 1 / 4
const LEAST_RESERVE = 1 / 16
const MOST_RESERVE = 2
/** More than was needed the last time; twice of what was too little; less with each segment, if less was needed. */
const RESERVE_MARGIN = 1.5
const RESERVE_GROWTH = 2
const RESERVE_DECAY = 0.85
/** Of what leaves: most that is kept of it. */
const KEPT_SHARE = 1 / 2
/** Where few entries fill few segments, of all entries. */
const MOST_ENTRIES_AHEAD = 1 / 16
/** Of a segment, at most: notes of one that must go at once are written before its room is free. */
const NOTES_SHARE = 1 / 16
/** Of a segment: what is kept of it is sorted, read and moved piece by piece. */
const PIECE_BYTES = 1024 * 1024

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
 * Makes room by cutting slices off the oldest segment's end; what was used since it was written is written anew first.
 *
 * ```
 *  in the background:
 *    nearly full? ──► a slice: notes and used entries copied to the front of the log, and what overrules older records of
 *                     the segment ──► the rest forgotten ──► file cut; the last slice, or what has to go whole: dropped
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
 * Why no older value can come back: the oldest segment goes first, and what goes before something older leaves what it said
 * of that, a slice as well as a segment in between, on the disk itself before it is gone.
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
  /** The oldest segment, once it began to leave. */
  #drain: Drain | undefined

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
    this.#setReserve(this.#reserve * RESERVE_GROWTH, 0)
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
    // Not for ever: what is half dead has its turn as well.
    for (let slices = 0; slices < 1 / SLICE && this.#isScarce(0) && !this.#isClosed; slices++) {
      const storedBefore = this.#asked - this.#mover.bytes
      const part = await this.#nextPart(log.oldest!)
      // Less of it stays than might have.
      if (!this.#isScarce(0)) break
      const isGone = await this.#evict(part)
      this.#setReserve((this.#asked - this.#mover.bytes - storedBefore) * RESERVE_MARGIN, part.bytes)
      if (!isGone) break
    }
    for (const segment of log.sealed.slice(1)) {
      const isHalfDead = segment.liveBytes * 2 < segment.bytes + segment.fileBytes
      // A barrier must stay where it is; the oldest segment is dropped soon anyway.
      if (!isHalfDead || segment.hasBarrier || segment.goesWhole || this.#isClosed) continue
      const hint = await hintOf(segment)
      if (hint) return this.#compact(segment, hint)
    }
  }

  /** True if so many bytes more are too many, or as many entries more as they usually are. */
  #lacks(bytes: number): boolean {
    const { rules, catalog } = this.#parts
    const kept = this.#keptBytes
    const entries = catalog.index.size * (1 + Math.min(bytes / Math.max(kept, 1), MOST_ENTRIES_AHEAD))
    return kept + bytes > rules.maxBytes || entries > rules.maxEntries
  }

  /** True if so many bytes more would leave too little to empty the oldest segment in peace. */
  #isScarce(bytes: number): boolean {
    const { rules, log } = this.#parts
    const { oldest } = log
    if (oldest === undefined) return false
    const drain = this.#drain?.segment === oldest ? this.#drain : undefined
    const most = rules.eviction === 'fifo' ? 0 : Math.min(oldest.usedBytes, this.#sliceBytes)
    const copies = drain?.next ? drain.copiedBytes : most
    return this.#lacks(bytes + copies + this.#reserve + this.#forNotes)
  }

  get #keptBytes(): number {
    const { log, catalog } = this.#parts
    return log.keptBytes + catalog.fileBytes
  }

  get #sliceBytes(): number {
    const { segmentBytes } = this.#parts.rules
    return Math.min(Math.max(segmentBytes * SLICE, this.#reserve * RESERVES_IN_A_SLICE), segmentBytes)
  }

  get #forNotes(): number {
    const { rules, catalog } = this.#parts
    return Math.min(catalog.noteBytes, rules.segmentBytes * NOTES_SHARE)
  }

  /** `leftBytes`: of what was emptied meanwhile. */
  #setReserve(bytes: number, leftBytes: number): void {
    const { segmentBytes } = this.#parts.rules
    const decayed = this.#reserve * RESERVE_DECAY ** (leftBytes / segmentBytes)
    const wanted = Math.max(bytes, decayed, segmentBytes * LEAST_RESERVE)
    this.#reserve = Math.min(wanted, segmentBytes * MOST_RESERVE)
  }

  async #nextPart(segment: Segment): Promise<Part> {
    if (this.#drain?.segment !== segment) this.#drain = await this.#beginDrain(segment)
    const drain = this.#drain
    return drain.next ?? (await drain.look(this.#sliceBytes, (this.#parts.rules.maxBytes - this.#keptBytes) / 2))
  }

  /** False if it was given up. */
  async #evict(part: Part): Promise<boolean> {
    const { retention } = this.#drain!
    const isSlice = part.leftBytes > 0
    if (!(await (isSlice ? this.#moveOfSlice(part, retention) : this.#moveStaying(part, retention)))) {
      this.#drain = undefined
      return false
    }
    if (isSlice) await this.#cut(part, this.#drain!)
    else await this.#drop(part.segment, part.rows)
    return true
  }

  async #beginDrain(segment: Segment): Promise<Drain> {
    const { rules, catalog, time } = this.#parts
    const retention = new Retention({
      eviction: rules.eviction,
      maxBytes: Math.max(segment.bytes + segment.fileBytes, rules.segmentBytes) * KEPT_SHARE,
      nowSeconds: time.nowMs() / 1000,
      sizeOf: ({ low, high, length }) => length + (catalog.fileOf(low, high)?.bytes ?? 0),
    })
    return Drain.begin(segment, await hintOf(segment), retention, catalog)
  }

  /** Of all that is left of a segment: older than that there is nothing. */
  async #moveStaying(part: Part, retention: Retention): Promise<boolean> {
    const { segment } = part
    const pieces = Array.from({ length: Math.ceil(segment.bytes / PIECE_BYTES) }, (): Movable[] => [])
    await this.#parts.catalog.visit(segment, part.rows, (row) => {
      if (retention.stays(row)) pieces[Math.floor(row.offset / PIECE_BYTES)]!.push(movable(row, segment))
    })
    for (const piece of pieces) {
      piece.sort((a, b) => a.offset - b.offset)
      if (!(await this.#mover.move(segment, piece))) return false
    }
    return true
  }

  /**
   * Of the end of the oldest segment: also what must be said once more, because an older record of the same key stays. It
   * is on the disk itself before the slice is gone, and so is what made it needless.
   */
  async #moveOfSlice(part: Part, retention: Retention): Promise<boolean> {
    const { log } = this.#parts
    const share = new TurnShare()
    const wanted: Movable[] = []
    let overrules = false
    for (const row of part.rows!) {
      const type = this.#typeToKeep(row, part.segment, (found) => retention.stays(found))
      const isNeeded = part.overrules(row)
      overrules ||= isNeeded
      if (type === ENTRY || (type !== undefined && isNeeded)) wanted.push(movable(row, part.segment, type))
      const turn = share.spend(WORK_OF_A_HINT_ROW)
      if (turn !== undefined) await turn
    }
    const isMoved = await this.#mover.move(part.segment, wanted)
    return isMoved && !part.segment.goesWhole && (!overrules || (await log.sync()))
  }

  async #cut(part: Part, drain: Drain): Promise<void> {
    const { log, onError } = this.#parts
    const { segment } = part
    await this.#forget(segment, part.rows)
    if (!log.keeps(segment)) return this.#left(true)
    segment.fileBytes -= part.fileBytes
    drain.gone(part)
    // Not awaited: the disk takes its time. If the segment is dropped meanwhile, so is what could not be cut off.
    segment.cut(part.leftBytes).then(
      () => this.#left(true),
      (error: unknown) => {
        segment.goesWhole = true
        if (log.keeps(segment)) onError('evict', error)
      },
    )
  }

  async #compact(segment: Segment, hint: HintRows): Promise<void> {
    const share = new TurnShare()
    const wanted: Movable[] = []
    const nowSeconds = this.#parts.time.nowMs() / 1000
    for (const row of hint) {
      // What stands for a damaged record has no bytes to copy.
      if (row.length === 0) return
      // Older segments may have something of this key that may live longer.
      const type = this.#typeToKeep(row, segment, ({ expiresAt }) => expiresAt > nowSeconds)
      if (type !== undefined) wanted.push(movable(row, segment, type))
      const turn = share.spend(WORK_OF_A_HINT_ROW)
      if (turn !== undefined) await turn
    }
    if (!(await this.#mover.move(segment, wanted)) || segment.goesWhole) return
    // On the disk itself, before what it stands for is gone.
    if (await this.#parts.log.sync()) await this.#drop(segment, hint)
  }

  /** As what a record is written anew that leaves before older ones do; undefined if nobody needs it. */
  #typeToKeep(
    { type, low, high, offset }: HintRow,
    { slot }: Segment,
    stays: (row: FoundRow) => boolean,
  ): RecordType | undefined {
    const { index } = this.#parts.catalog
    const isKnown = index.find(low, high)
    switch (type) {
      case ENTRY:
        if (!isKnown || !index.isAt(slot, offset)) return undefined
        return stays(index.row()) ? ENTRY : TOMBSTONE
      case TOMBSTONE:
        return isKnown ? undefined : TOMBSTONE
      case SOFTENED:
        return isKnown && index.flags & SOFT ? SOFTENED : undefined
      default:
        return undefined
    }
  }

  async #notesOf(segment: Segment, rows: HintRows | undefined): Promise<Movable[]> {
    const notes: Movable[] = []
    await this.#parts.catalog.visit(segment, rows, (row) => {
      if (isNote(row)) notes.push(movable(row, segment))
    })
    return notes
  }

  async #drop(segment: Segment, rows: Part['rows']): Promise<void> {
    await this.#forget(segment, rows)
    // Not awaited: it goes with the next group, and the log may be waiting for us.
    void this.#parts.log.drop(segment).then((isGone) => this.#left(isGone))
  }

  /** Entries leave the index; notes stay until their copies are written. */
  async #forget(segment: Segment, rows: Part['rows']): Promise<void> {
    const { catalog, onEvicted } = this.#parts
    this.#dropping++
    await catalog.visit(segment, rows, (row) => {
      const { low, high } = row
      if (isNote(row) || !catalog.index.find(low, high)) return
      catalog.forget(low, high)
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
