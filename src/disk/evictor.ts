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
import { TurnShare } from './turn-clock.js'

/** Segments that are kept free, so that the background work is done before a store needs the room. */
const SPARE_SEGMENTS = 2
/** Of a segment: what is kept of it is sorted, read and moved piece by piece. */
const PIECE_BYTES = 1024 * 1024

const WORK_OF_A_HINT_ROW = 10

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
 *  after each new segment, in the background:
 *    nearly full? ──► oldest segment: notes and used entries copied to the front of the log ──► dropped
 *    a segment more than half dead? ──► what lives is copied, tombstones that older segments need, too ──► dropped
 *  no room when it is needed, or a full disk: oldest dropped at once, only notes are copied
 * ```
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

  constructor(parts: EvictorParts) {
    this.#parts = parts
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

  /** Before a new segment. True if something was dropped. */
  async makeRoom(isFull: boolean): Promise<boolean> {
    const { log } = this.#parts
    let hasDropped = false
    while (isFull ? !hasDropped : this.#excess(1) > 0) {
      const [victim] = log.sealed
      if (victim === undefined) break
      if (isFull) await this.#heal(victim)
      else {
        log.pushCopies(await this.#mover.copies(await this.#notesOf(victim)))
        await this.#drop(victim)
      }
      hasDropped = true
    }
    return hasDropped
  }

  /** The segment must be gone before anything is written, its notes too: until they are written anew, they are in memory. */
  async #heal(victim: Segment): Promise<void> {
    const { log, catalog, directory } = this.#parts
    const notes = await this.#notesOf(victim)
    const healing = join(directory, HEALING)
    if (notes.length > 0) await writeFile(healing, '')
    const copies = await this.#mover.copies(notes)
    await this.#forget(victim)
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
    const { log } = this.#parts
    const [oldest] = log.sealed
    if (oldest && this.#excess(SPARE_SEGMENTS) > 0) await this.#evict(oldest)
    for (const segment of log.sealed.slice(1)) {
      const isHalfDead = segment.liveBytes * 2 < segment.bytes + segment.fileBytes
      // A barrier must stay where it is; the oldest segment is dropped soon anyway.
      if (!isHalfDead || segment.hasBarrier || this.#isClosed) continue
      const hint = await readHint(segment)
      if (hint) return this.#compact(segment, hint)
    }
  }

  /** Bytes, or entries, above the budget if so many segments more are to fit. */
  #excess(segments: number): number {
    const { rules, log, catalog } = this.#parts
    const bytes = log.keptBytes + catalog.fileBytes + segments * rules.segmentBytes - rules.maxBytes
    return Math.max(bytes, catalog.index.size - rules.maxEntries)
  }

  async #evict(victim: Segment): Promise<void> {
    const { rules, catalog, time } = this.#parts
    const retention = new Retention({
      eviction: rules.eviction,
      maxBytes: Math.max(victim.bytes + victim.fileBytes, rules.segmentBytes) / 2,
      nowSeconds: time.nowMs() / 1000,
      sizeOf: ({ low, high, length }) => length + (catalog.fileOf(low, high)?.bytes ?? 0),
    })
    await this.#visit(victim, (row) => retention.count(row))
    const pieces = Array.from({ length: Math.ceil(victim.bytes / PIECE_BYTES) }, (): Movable[] => [])
    await this.#visit(victim, (row) => {
      if (retention.stays(row)) pieces[Math.floor(row.offset / PIECE_BYTES)]!.push(movable(row, victim))
    })
    for (const piece of pieces) {
      piece.sort((a, b) => a.offset - b.offset)
      if (!(await this.#mover.move(victim, piece))) return
    }
    await this.#drop(victim)
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
    if (await this.#mover.move(segment, wanted)) await this.#drop(segment)
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

  /** The rows of a segment, step by step. */
  async #visit({ slot }: Segment, visit: (row: FoundRow) => void): Promise<void> {
    const share = new TurnShare()
    for (const { rows, work } of this.#parts.catalog.index.inSegment(slot)) {
      for (const row of rows) visit(row)
      const turn = share.spend(work)
      if (turn !== undefined) await turn
    }
  }

  async #notesOf(segment: Segment): Promise<Movable[]> {
    const notes: Movable[] = []
    await this.#visit(segment, (row) => {
      if (isNote(row)) notes.push(movable(row, segment))
    })
    return notes
  }

  async #drop(segment: Segment): Promise<void> {
    await this.#forget(segment)
    // Not awaited: it goes with the next group, and the log may be waiting for us.
    void this.#parts.log.drop(segment).then((isGone) => this.#left(isGone))
  }

  /** Entries of a segment leave the index; notes stay until their copies are written. */
  async #forget(segment: Segment): Promise<void> {
    const { catalog, onEvicted } = this.#parts
    this.#dropping++
    await this.#visit(segment, (row) => {
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

async function readHint(segment: Segment): Promise<HintRows | undefined> {
  const bytes = await readFile(hintPath(segment.path)).catch(() => undefined)
  return bytes && HintRows.decode(bytes, segment.bytes)
}

function movable(row: FoundRow | HintRow, segment: Segment, type: RecordType = ENTRY): Movable {
  const { low, high, offset, length } = row
  return { type, low, high, segment, offset, length }
}
