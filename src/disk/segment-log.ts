import { mkdir, open as openDirectory, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiskTime } from './disk-time.js'
import { type LogOp, logOp, SYNC } from './log-op.js'
import { BARRIER, HEAD_BYTES, NOTE, recordBytes, SOFTENED, sealRecord, TOMBSTONE } from './record.js'
import type { RecoveredSegment } from './recover.js'
import { hintPath, openFile, removeFile, Segment, segmentName } from './segment.js'

/** Records that collect while a write is under way go out together, up to so many bytes. */
const GROUP_BYTES = 4 * 1024 * 1024
const FIRST_BUFFER_BYTES = 256 * 1024
/** Tries to make room on a full disk before a write is given up. */
const MAX_HEALS = 4
const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG']

export interface LogRules {
  readonly directory: string
  readonly segmentBytes: number
  /** Each group reaches the disk itself before it is acknowledged. */
  readonly syncs: boolean
}

/** Who keeps the index. All but `makeRoom` are synchronous and must not throw. */
export interface LogOwner {
  /** Asked right before a record is written. */
  isWanted(op: LogOp): boolean
  applied(op: LogOp, segment: Segment): void
  lost(op: LogOp): void
  /** Once for a group that could not be written. */
  failed(error: unknown): void
  /** A new segment is about to begin: drop old ones. `isFull`: the disk itself is. True if something was dropped. */
  makeRoom(isFull: boolean): Promise<boolean>
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
  readonly #time: DiskTime
  /** By slot. */
  readonly #slots: (Segment | undefined)[] = []
  /** Oldest first, the active one last. */
  #order: Segment[] = []
  #active: Segment | undefined
  #queue: LogOp[] = []
  /** Copies that must be written before what waits, or before a segment may go. */
  #front: LogOp[] = []
  #leaving: Segment[] = []
  #queuedBytes = 0
  #lastId: number
  #buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES)
  #isScheduled = false
  #running: Promise<void> | undefined
  #mustBar = false
  readonly #sealing = new Set<Promise<void>>()

  constructor(rules: LogRules, owner: LogOwner, time: DiskTime) {
    this.#rules = rules
    this.#owner = owner
    this.#time = time
    this.#lastId = 0
  }

  /** Takes over what lay there. Nothing is ever appended to an old segment. */
  async adopt(segments: readonly RecoveredSegment[]): Promise<void> {
    for (const found of segments) {
      const path = join(this.#rules.directory, segmentName(found.id))
      const fd = await openFile(path, 'r')
      const segment = new Segment({ id: found.id, slot: found.slot, path, fd }, found.bytes)
      const { liveBytes, fileBytes, tombstones, hasBarrier } = found
      Object.assign(segment, { liveBytes, fileBytes, tombstones, hasBarrier })
      this.#slots[found.slot] = segment
      this.#order.push(segment)
      this.#lastId = Math.max(this.#lastId, found.id)
    }
  }

  segment(slot: number): Segment | undefined {
    return this.#slots[slot]
  }

  /** Oldest first, without the active one and those on their way out. */
  get sealed(): readonly Segment[] {
    return this.#order.filter((segment) => segment !== this.#active && !this.#leaving.includes(segment))
  }

  get segments(): number {
    return this.#order.length
  }

  get bytes(): number {
    let bytes = 0
    for (const segment of this.#order) bytes += segment.bytes
    return bytes
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  push(op: LogOp): void {
    this.#queuedBytes += recordBytes(op.keyBytes, op.valueBytes)
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
    for (const op of ops) this.#queuedBytes += recordBytes(op.keyBytes, op.valueBytes)
    this.#front.push(...ops)
    this.#schedule()
  }

  /** Resolves when everything pushed so far is on the disk itself; false if something could not be written. */
  sync(): Promise<boolean> {
    return this.#pass(true)
  }

  /** As `sync`, but written is enough. */
  written(): Promise<boolean> {
    const isIdle = this.#queue.length + this.#front.length === 0 && this.#running === undefined
    return isIdle ? Promise.resolve(true) : this.#pass(false)
  }

  #pass(isDurable: boolean): Promise<boolean> {
    return new Promise((settle) => this.push(logOp({ type: SYNC, key: '', low: 0, high: 0, isDurable, settle })))
  }

  /** A deletion could not even be tried. */
  barLater(): void {
    this.#mustBar = true
  }

  /** Removes a segment as soon as the copies that were pushed are written. */
  drop(segment: Segment): void {
    this.#leaving.push(segment)
    if (this.#front.length === 0 && this.#running === undefined) this.#removeLeaving()
    else this.#schedule()
  }

  /** A segment that is gone already. */
  discard(segment: Segment): void {
    this.#order = this.#order.filter((other) => other !== segment)
    this.#slots[segment.slot] = undefined
  }

  async close(): Promise<void> {
    while (this.#queue.length + this.#front.length > 0 || this.#running !== undefined) {
      this.#schedule()
      await (this.#running ?? new Promise<void>((resolve) => process.nextTick(resolve)))
    }
    const active = this.#active
    this.#active = undefined
    if (active) this.#seal(active)
    await Promise.all(this.#sealing)
    await Promise.all(this.#order.map((segment) => segment.leave({ remove: segment.bytes === 0 })))
    this.#order = []
    this.#slots.length = 0
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
      })
    })
  }

  async #run(): Promise<void> {
    while (this.#queue.length + this.#front.length > 0) {
      const group = this.#take()
      try {
        await this.#ensureSegment(group)
        await this.#write(group)
      } catch (error) {
        this.#fail(group, error)
      }
      if (this.#front.length === 0) this.#removeLeaving()
    }
  }

  #take(): LogOp[] {
    const group = this.#front
    this.#front = []
    let bytes = 0
    let taken = 0
    for (const op of this.#queue) {
      const previous = this.#queue[taken - 1]
      if (bytes > GROUP_BYTES && previous?.remaining === 0) break
      bytes += recordBytes(op.keyBytes, op.valueBytes)
      taken++
    }
    if (taken === this.#queue.length) {
      group.push(...this.#queue)
      this.#queue = []
    } else group.push(...this.#queue.splice(0, taken))
    for (const op of group) this.#queuedBytes -= recordBytes(op.keyBytes, op.valueBytes)
    return group
  }

  async #ensureSegment(group: readonly LogOp[]): Promise<void> {
    const active = this.#active
    if (active) {
      const bytes = active.bytes + sizeOf(group)
      const isEmpty = active.bytes === 0
      if (isEmpty || (bytes <= this.#rules.segmentBytes && active.fileBytes <= this.#rules.segmentBytes)) return
      this.#active = undefined
      this.#seal(active)
    }
    await this.#owner.makeRoom(false)
    this.#active = await this.#begin()
    this.#owner.rolled()
  }

  async #begin(): Promise<Segment> {
    const { directory } = this.#rules
    const id = ++this.#lastId
    const path = join(directory, segmentName(id))
    const fd = await openFile(path, 'wx+').catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      // Somebody removed the directory under us.
      await mkdir(directory, { recursive: true })
      return openFile(path, 'wx+')
    })
    let slot = this.#slots.indexOf(undefined)
    if (slot < 0) slot = this.#slots.length
    const segment = new Segment({ id, slot, path, fd }, 0)
    this.#slots[slot] = segment
    this.#order.push(segment)
    return segment
  }

  async #write(group: LogOp[]): Promise<void> {
    const active = this.#active!
    for (let heals = 0; ; heals++) {
      group.unshift(...this.#front.splice(0))
      const written = this.#mustBar ? [barrier(), ...group] : group
      const wanted = written.filter((op) => op.type !== SYNC && this.#owner.isWanted(op))
      const bytes = this.#encode(wanted, active.bytes)
      try {
        if (bytes > 0) await active.write(this.#buffer, bytes, active.bytes)
        if (this.#rules.syncs || written.some(({ isDurable }) => isDurable)) await this.#syncAll(active)
      } catch (error) {
        await active.truncate().catch(() => {})
        if (!FULL.includes((error as NodeJS.ErrnoException).code ?? '') || heals === MAX_HEALS) throw error
        if (!(await this.#owner.makeRoom(true))) throw error
        continue
      }
      active.bytes += bytes
      this.#mustBar = false
      this.#apply(group, wanted, active)
      return
    }
  }

  #encode(ops: readonly LogOp[], from: number): number {
    const bytes = sizeOf(ops)
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.25))
    const buffer = this.#buffer
    let at = 0
    for (const op of ops) {
      const { keyBytes, valueBytes, value } = op
      buffer.write(op.key, at + HEAD_BYTES, keyBytes, 'utf8')
      if (typeof value === 'string') buffer.write(value, at + HEAD_BYTES + keyBytes, valueBytes, 'utf8')
      else if (valueBytes > 0) buffer.set(value, at + HEAD_BYTES + keyBytes)
      const isOfOthers = op.type === BARRIER || (op.flags & NOTE) !== 0
      const head = { ...headOf(op), sequence: op.sequence || this.#time.nextSequence() }
      // Of a note or a barrier the tail says nothing, because losing one concerns other keys.
      sealRecord(buffer, at, head, isOfOthers ? 0 : op.low, isOfOthers ? 0 : op.high)
      op.offset = from + at
      op.length = recordBytes(keyBytes, valueBytes)
      this.#sequences.push(head.sequence)
      at += op.length
    }
    return bytes
  }

  readonly #sequences: number[] = []

  #apply(group: readonly LogOp[], written: readonly LogOp[], active: Segment): void {
    const sequences = this.#sequences.splice(0).slice(-written.length)
    for (const [index, op] of written.entries()) {
      const { low, high, offset, length, expiresAt, type, flags, file } = op
      active.rows?.add({ low, high, offset, length, expiresAt, type, flags, sequence: sequences[index]!, file })
      if (type === BARRIER) active.hasBarrier = true
      else if (type === TOMBSTONE || type === SOFTENED) active.tombstones++
      active.fileBytes += file?.bytes ?? 0
      this.#owner.applied(op, active)
    }
    for (const op of group) op.settle?.(true)
  }

  #fail(group: readonly LogOp[], error: unknown): void {
    this.#owner.failed(error)
    for (const op of group) {
      if (op.copyOf && op.flags & NOTE) this.#retryLater(op)
      else if (op.copyOf === undefined && op.type !== SYNC) this.#mustBar = true
      this.#owner.lost(op)
      op.settle?.(false)
    }
    this.#sequences.length = 0
  }

  /** Notes are never given up: they go with the next group. */
  #retryLater(op: LogOp): void {
    this.#queuedBytes += recordBytes(op.keyBytes, op.valueBytes)
    this.#front.push(op)
  }

  #removeLeaving(): void {
    for (const segment of this.#leaving.splice(0)) {
      this.discard(segment)
      void segment.leave({ remove: true })
    }
  }

  async #syncAll(active: Segment): Promise<void> {
    await Promise.all(this.#sealing)
    const isNew = active.bytes === 0
    await active.sync()
    if (isNew) await syncDirectory(this.#rules.directory)
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
      if (this.#slots[segment.slot] === segment) await rename(`${path}.tmp`, path)
      else await removeFile(`${path}.tmp`)
    })().catch(() => {
      // Without a hint the segment is read whole at the next opening.
    })
    this.#sealing.add(sealing)
    void sealing.then(() => this.#sealing.delete(sealing))
  }
}

function sizeOf(ops: readonly LogOp[]): number {
  let bytes = 0
  for (const op of ops) if (op.type !== SYNC) bytes += recordBytes(op.keyBytes, op.valueBytes)
  return bytes
}

function headOf(op: LogOp) {
  const { flags, codec, keyBytes, remaining, valueBytes, rawBytes, expiresAt } = op
  return {
    type: op.type as Exclude<LogOp['type'], 0>,
    flags,
    codec,
    keyBytes,
    remaining,
    valueBytes,
    rawBytes,
    expiresAt,
  }
}

function barrier(): LogOp {
  return logOp({ type: BARRIER, key: '', low: 0, high: 0 })
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await openDirectory(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
