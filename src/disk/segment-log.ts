import { rename, writeFile } from 'node:fs/promises'
import type { DiskTime } from './disk-time.js'
import { bytesOf, GroupBuffer } from './group-buffer.js'
import { type LogOp, logOp, SYNC } from './log-op.js'
import { BARRIER, NOTE } from './record.js'
import type { RecoveredSegment } from './recover.js'
import { hintPath, removeFile, type Segment } from './segment.js'
import { SegmentSet } from './segment-set.js'

/**
 * Records that collect while a write is under way go out together, up to so many bytes, or to half a segment. Enough that
 * the call does not count; and whoever was in the last group prepares the next one while this one is written.
 */
const GROUP_BYTES = 128 * 1024
/** What is synced waits for the disk, which costs as much for a few as for many. */
const SYNCED_GROUP_BYTES = 4 * 1024 * 1024
/** Tries to make room on a full disk before a write is given up. */
const MAX_HEALS = 4
const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG']

export interface LogRules {
  readonly directory: string
  readonly segmentBytes: number
  /** Each group reaches the disk itself before it is acknowledged. */
  readonly syncs: boolean
}

/** Who keeps the index, and room. All but `makeRoom` and `heal` are synchronous and must not throw. */
export interface LogOwner {
  /** Asked right before a record is written. */
  isWanted(op: LogOp): boolean
  applied(op: LogOp, segment: Segment): void
  lost(op: LogOp): void
  /** Once for a group that could not be written. */
  failed(error: unknown): void
  /** Asked before each group. False: so many bytes more are too many. */
  hasRoomFor(bytes: number): boolean
  /** Drops old segments until so many bytes more fit. */
  makeRoom(bytes: number): Promise<void>
  /** The disk itself is full: true if something was removed. */
  heal(): Promise<boolean>
  /** A segment was sealed and a new one begun. */
  rolled(): void
}

/**
 * An append-only log in segments.
 *
 * ```
 *  push ──► queue ──► group ──► one write(2) ──► (fdatasync) ──► index, callers
 *             ▲         │ one at a time; what comes meanwhile is the next group
 *   copies go first ────┘ full disk: cut back, drop the oldest segment, try again
 * ```
 *
 * A group that could not be written may have held deletions: before the next one goes a barrier, so that nobody who
 * opens the directory later believes what those deleted.
 */
export class SegmentLog {
  readonly #rules: LogRules
  readonly #owner: LogOwner
  readonly #segments: SegmentSet
  readonly #buffer: GroupBuffer
  #active: Segment | undefined
  #queue: LogOp[] = []
  /** Copies that must be written before what waits, or before a segment may go. */
  #front: LogOp[] = []
  #queuedBytes = 0
  #writtenBytes = 0
  #isScheduled = false
  #running: Promise<void> | undefined
  /** Taken from the queue, and not yet known to be written or lost. */
  #underWay = 0
  #mustBar = false
  readonly #sealing = new Set<Promise<void>>()

  constructor(rules: LogRules, owner: LogOwner, time: DiskTime) {
    this.#rules = rules
    this.#owner = owner
    this.#segments = new SegmentSet(rules.directory)
    this.#buffer = new GroupBuffer(time)
  }

  /** Takes over what lay there. Nothing is ever appended to an old segment. */
  adopt(segments: readonly RecoveredSegment[]): Promise<void> {
    return this.#segments.adopt(segments)
  }

  segment(slot: number): Segment | undefined {
    return this.#segments.at(slot)
  }

  /** Oldest first, without the active one and those on their way out. */
  get sealed(): readonly Segment[] {
    return this.#segments.all.filter((segment) => this.#isSealed(segment))
  }

  /** Of the sealed ones. */
  get oldest(): Segment | undefined {
    return this.#segments.all.find((segment) => this.#isSealed(segment))
  }

  #isSealed(segment: Segment): boolean {
    return segment !== this.#active && this.#segments.keeps(segment)
  }

  /** False once a segment is on its way out. */
  keeps(segment: Segment): boolean {
    return this.#segments.keeps(segment)
  }

  get segments(): number {
    return this.#segments.all.length
  }

  get bytes(): number {
    return this.#segments.bytes
  }

  /** Without segments on their way out. */
  get keptBytes(): number {
    return this.#segments.keptBytes
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Since the beginning: also what was moved, and what is gone again. */
  get writtenBytes(): number {
    return this.#writtenBytes
  }

  push(op: LogOp): void {
    this.#queuedBytes += op.length
    this.#queue.push(op)
    this.#schedule()
  }

  /** One run: either all of them are there after a crash, or none. */
  pushBatch(ops: readonly LogOp[]): void {
    for (const [index, op] of ops.entries()) {
      op.remaining = ops.length - 1 - index
      this.push(op)
    }
  }

  pushCopies(ops: readonly LogOp[]): void {
    this.#queuedBytes += bytesOf(ops)
    this.#front.push(...ops)
    this.#schedule()
  }

  /** Resolves when everything pushed so far is on the disk itself; false if something could not be written. */
  sync(): Promise<boolean> {
    return this.#pass(true)
  }

  /** As `sync`, but written is enough, if it is for stores. */
  written(): Promise<boolean> {
    const { syncs } = this.#rules
    const isIdle = this.#queue.length + this.#front.length + this.#underWay === 0
    return isIdle && (!syncs || this.#segments.isSynced) ? Promise.resolve(true) : this.#pass(syncs)
  }

  #pass(isDurable: boolean): Promise<boolean> {
    return new Promise((settle) => this.push(logOp({ type: SYNC, key: '', low: 0, high: 0, isDurable, settle })))
  }

  /** A deletion could not even be tried. */
  barLater(): void {
    this.#mustBar = true
  }

  /** Removes a segment as soon as the copies that were pushed are written. False: the disk does not let go of it. */
  drop(segment: Segment): Promise<boolean> {
    const gone = this.#segments.dropLater(segment)
    if (this.#front.length === 0 && this.#running === undefined) this.#segments.removeLeaving()
    return gone
  }

  /** Removes it now. */
  remove(segment: Segment): Promise<boolean> {
    return this.#segments.remove(segment)
  }

  async close(): Promise<void> {
    while (this.#queue.length + this.#front.length > 0 || this.#running !== undefined) {
      this.#schedule()
      await (this.#running ?? endOfTurn())
    }
    const active = this.#active
    this.#active = undefined
    if (active) this.#seal(active)
    await Promise.all(this.#sealing)
    await this.#segments.close()
  }

  /** At the end of the turn, so that what this turn and its promises still push goes along. */
  #schedule(): void {
    if (this.#isScheduled || this.#running !== undefined) return
    this.#isScheduled = true
    process.nextTick(() => {
      this.#isScheduled = false
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined
        if (this.#queue.length + this.#front.length > 0) this.#schedule()
        else this.#segments.removeLeaving()
      })
    })
  }

  async #run(): Promise<void> {
    while (this.#queue.length + this.#front.length > 0) {
      const group = this.#take()
      const bytes = roomFor(group)
      try {
        if (!this.#owner.hasRoomFor(bytes)) await this.#makeRoom(bytes)
        await this.#ensureSegment(group)
        await this.#write(group)
      } catch (error) {
        this.#fail(group, error)
      }
      if (this.#front.length === 0) this.#segments.removeLeaving()
      // Whoever was told stores more by the end of the turn: one sync for all of it.
      if (this.#rules.syncs) await endOfTurn()
    }
  }

  /** What leaves is gone before its room is taken; its notes are written before it is gone. */
  async #makeRoom(bytes: number): Promise<void> {
    await this.#owner.makeRoom(bytes)
    const notes = this.#takeCopies()
    try {
      if (notes.length > 0) {
        await this.#ensureSegment(notes)
        await this.#write(notes)
      }
    } catch (error) {
      this.#fail(notes, error)
    }
    if (this.#front.length === 0) this.#segments.removeLeaving()
  }

  #take(): LogOp[] {
    const { syncs, segmentBytes } = this.#rules
    const most = Math.min(syncs ? SYNCED_GROUP_BYTES : GROUP_BYTES, segmentBytes / 2)
    let bytes = 0
    let taken = 0
    for (const op of this.#queue) {
      const previous = this.#queue[taken - 1]
      if (bytes > most && previous?.remaining === 0) break
      bytes += op.length
      taken++
    }
    this.#queuedBytes -= bytes
    this.#underWay += taken
    const group = this.#queue.splice(0, taken)
    return this.#front.length === 0 ? group : [...this.#takeCopies(), ...group]
  }

  #takeCopies(): LogOp[] {
    this.#queuedBytes -= bytesOf(this.#front)
    this.#underWay += this.#front.length
    return this.#front.splice(0)
  }

  async #ensureSegment(group: readonly LogOp[]): Promise<void> {
    const active = this.#active
    if (active) {
      const bytes = active.bytes + bytesOf(group)
      const isEmpty = active.bytes === 0
      if (isEmpty || (bytes <= this.#rules.segmentBytes && active.fileBytes <= this.#rules.segmentBytes)) return
      this.#active = undefined
      this.#seal(active)
    }
    this.#active = await this.#segments.begin()
    this.#owner.rolled()
  }

  async #write(group: LogOp[]): Promise<void> {
    const active = this.#active!
    for (let heals = 0; ; heals++) {
      const written = this.#mustBar ? [barrier(), ...group] : group
      const wanted = written.filter((op) => op.type !== SYNC && this.#owner.isWanted(op))
      const bytes = this.#buffer.encode(wanted, active.bytes)
      try {
        if (bytes > 0) await active.write(this.#buffer.bytes, bytes, active.bytes)
        if (this.#rules.syncs || written.some(({ isDurable }) => isDurable)) await this.#syncAll()
      } catch (error) {
        await active.truncate().catch(() => {})
        if (!FULL.includes((error as NodeJS.ErrnoException).code ?? '') || heals === MAX_HEALS) throw error
        if (!(await this.#owner.heal())) throw error
        group.unshift(...this.#takeCopies())
        continue
      }
      active.bytes += bytes
      this.#writtenBytes += bytes
      this.#mustBar = false
      this.#apply(group, wanted, active)
      return
    }
  }

  #apply(group: readonly LogOp[], written: readonly LogOp[], active: Segment): void {
    for (const op of written) {
      const { type, file } = op
      active.rows?.add(op)
      if (type === BARRIER) active.hasBarrier = true
      active.fileBytes += file?.bytes ?? 0
      this.#owner.applied(op, active)
    }
    this.#settle(group, true)
  }

  /**
   * What waits goes on its way before anybody is told, who would keep this thread busy: the disk has something to do
   * meanwhile. Not with a sync, which costs as much for a few as for many.
   */
  #settle(group: readonly LogOp[], isWritten: boolean): void {
    const tell = (): void => {
      this.#underWay -= group.length
      for (const op of group) op.settle?.(isWritten)
    }
    if (this.#rules.syncs || this.#queue.length === 0) tell()
    else process.nextTick(tell)
  }

  #fail(group: readonly LogOp[], error: unknown): void {
    this.#owner.failed(error)
    for (const op of group) {
      if (op.copyOf && op.flags & NOTE) this.#retryLater(op)
      else if (op.copyOf === undefined && op.type !== SYNC) this.#mustBar = true
      this.#owner.lost(op)
    }
    this.#settle(group, false)
  }

  /** Notes are never given up: they go with the next group. */
  #retryLater(op: LogOp): void {
    this.#queuedBytes += op.length
    this.#front.push(op)
  }

  async #syncAll(): Promise<void> {
    await Promise.all(this.#sealing)
    await this.#segments.sync()
  }

  /** In the background: to the disk, then its hint. */
  #seal(segment: Segment): void {
    const { rows } = segment
    if (segment.bytes === 0 || rows === undefined) return
    const path = hintPath(segment.path)
    const sealing = (async () => {
      await segment.sync()
      segment.rows = undefined
      await writeFile(`${path}.tmp`, rows.encode(segment.bytes))
      if (this.#segments.at(segment.slot) === segment) await rename(`${path}.tmp`, path)
      else await removeFile(`${path}.tmp`)
    })().catch(() => {
      // Without a hint the segment is read whole at the next opening.
    })
    this.#sealing.add(sealing)
    void sealing.then(() => this.#sealing.delete(sealing))
  }
}

/** Of the records, and of the files that they are the first to name. */
function roomFor(group: readonly LogOp[]): number {
  let bytes = bytesOf(group)
  for (const { file, copyOf } of group) if (file && !copyOf) bytes += file.bytes
  return bytes
}

function barrier(): LogOp {
  return logOp({ type: BARRIER, key: '', low: 0, high: 0 })
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
