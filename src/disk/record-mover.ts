import type { Catalog } from './catalog.js'
import { bytesOf } from './group-buffer.js'
import { type LogOp, logOp } from './log-op.js'
import { planReads } from './read-plan.js'
import { ENTRY, HAS_FILE, keyOf, NEVER, NOTE, type RecordType, readHead, SOFT, SOFTENED, valueAt } from './record.js'
import type { Segment } from './segment.js'
import type { SegmentLog } from './segment-log.js'
import { nextTurn } from './turn-clock.js'

/** What is read, checked and written anew at a time. */
const CHUNK_BYTES = 256 * 1024
const CHUNK_RECORDS = 256

/** A record that is written anew. `type`: as what; an entry whose time is over becomes a tombstone. */
export interface Movable {
  readonly type: RecordType
  readonly low: number
  readonly high: number
  readonly segment: Segment
  readonly offset: number
  readonly length: number
}

/** Copies records from an old segment to the front of the log, a few in each turn of the loop. */
export class RecordMover {
  readonly #log: SegmentLog
  readonly #catalog: Catalog
  readonly #isClosed: () => boolean
  /** Of all records that it wrote anew so far. */
  bytes = 0

  constructor(log: SegmentLog, catalog: Catalog, isClosed: () => boolean) {
    this.#log = log
    this.#catalog = catalog
    this.#isClosed = isClosed
  }

  /** False if it was given up: the store is closed, or the segment was dropped because its room was needed at once. */
  async move(segment: Segment, wanted: readonly Movable[]): Promise<boolean> {
    for (let from = 0; from < wanted.length; ) {
      const to = endOfChunk(wanted, from)
      if (this.#isClosed() || !this.#log.keeps(segment)) return false
      const copies = await this.copies(wanted.slice(from, to))
      if (!(await this.#written(copies))) return false
      from = to
      await nextTurn()
    }
    return !this.#isClosed() && this.#log.keeps(segment)
  }

  /** The records as they are to be written anew; those that cannot be read are left out. */
  async copies(wanted: readonly Movable[]): Promise<LogOp[]> {
    const copies: LogOp[] = []
    for (const run of planReads(wanted)) {
      const bytes = await run.segment.read(run.offset, run.length)
      for (const place of run.places) {
        const copy = this.#copy(bytes, place.offset - run.offset, place)
        if (copy) copies.push(copy)
        else place.segment.goesWhole = true
      }
    }
    return copies
  }

  #copy(bytes: Buffer, at: number, { type, low, high, segment, offset }: Movable): LogOp | undefined {
    const head = readHead(bytes, at)
    const value = head && valueAt(bytes, at, head)
    if (head === undefined || value === undefined) return undefined
    const key = keyOf(bytes, at, head)
    const copyOf = { slot: segment.slot, offset }
    if (type !== ENTRY) {
      return logOp({ type, key, low, high, copyOf, expiresAt: type === SOFTENED ? head.expiresAt : NEVER })
    }
    const { index } = this.#catalog
    const isKnown = index.find(low, high)
    const flags = head.flags | (isKnown ? index.flags & SOFT : 0)
    const expiresAt = isKnown ? index.expiresAt : head.expiresAt
    const file = flags & HAS_FILE ? this.#catalog.fileOf(low, high) : undefined
    const { codec, valueBytes, rawBytes, sequence } = head
    const packed = { value, valueBytes, rawBytes, codec }
    // The original of a note may be gone for good before the copy would reach the disk by itself.
    const isDurable = (flags & NOTE) !== 0
    return logOp({ type, key, low, high, copyOf, ...packed, flags, expiresAt, sequence, file, isDurable })
  }

  /** Resolves when copies are in the log, or were found not to be wanted any more. */
  #written(copies: readonly LogOp[]): Promise<boolean> {
    const last = copies.at(-1)
    if (last === undefined) return Promise.resolve(true)
    this.bytes += bytesOf(copies)
    return new Promise((settle) => {
      last.settle = settle
      this.#log.pushCopies(copies)
    })
  }
}

function endOfChunk(wanted: readonly Movable[], from: number): number {
  let bytes = 0
  let to = from
  while (to < wanted.length && to - from < CHUNK_RECORDS && bytes < CHUNK_BYTES) bytes += wanted[to++]!.length
  return to
}
