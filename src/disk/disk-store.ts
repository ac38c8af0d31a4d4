import { join } from 'node:path'
import type { Clock } from '../core/ports/clock.js'
import type { Random } from '../core/ports/random.js'
import { Breaker, type BreakerState } from './breaker.js'
import { pack, unpack } from './compression.js'
import { DirectoryLock } from './directory-lock.js'
import { DiskIndex } from './disk-index.js'
import type { DiskRules } from './disk-tier-options.js'
import { DiskTime } from './disk-time.js'
import { Evictor } from './evictor.js'
import { Gate } from './gate.js'
import type { FileRef } from './hint.js'
import { KeyHash } from './key-hash.js'
import { type LogOp, logOp } from './log-op.js'
import { Maintenance } from './maintenance.js'
import { PackingTurns } from './packing-turns.js'
import { planReads } from './read-plan.js'
import {
  ENTRY,
  HAS_FILE,
  keyOf,
  MAX_BATCH,
  MAX_KEY_BYTES,
  NEVER,
  NOTE,
  type RecordHead,
  readHead,
  SOFT,
  SOFTENED,
  TOMBSTONE,
  valueAt,
} from './record.js'
import { bytesToRecover, fileKey } from './recover.js'
import { encodeFileRef, FILE_REF_BYTES } from './scan.js'
import type { Segment } from './segment.js'
import { SegmentLog } from './segment-log.js'
import { ValueFiles } from './value-files.js'

/** Beyond it stores are refused: the disk does not keep up. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024

/** Read in this thread, when a directory is opened: some milliseconds. */
const SMALL_BYTES = 1024 * 1024

/** What a device says when it is at fault, not what was asked of it. */
const DEVICE_ERRORS = new Set([
  'EIO',
  'EROFS',
  'EACCES',
  'EPERM',
  'EMFILE',
  'ENFILE',
  'ENOSPC',
  'EDQUOT',
  'ENODEV',
  'ENXIO',
  'ESTALE',
  'ENOTDIR',
])

export interface StoredValue {
  readonly value: Buffer
  /** Softly invalidated since it was stored. */
  readonly isSoft: boolean
  /** Grows with every store of the directory; a value keeps its own. */
  readonly sequence: number
}

export interface StoreEntry {
  readonly key: string
  readonly value: Buffer | string
  /** Gone after so many milliseconds. Default: never. */
  readonly lifeMs?: number | undefined
  readonly isSoft?: boolean | undefined
  /** Survives eviction, and damage to others: what the owner of the store must not forget. */
  readonly isNote?: boolean | undefined
}

export interface DiskStats {
  readonly state: 'opening' | 'open' | 'failed' | 'closed'
  readonly entries: number
  readonly maxEntries: number
  /** Of the log and of values' own files. */
  readonly bytes: number
  readonly maxBytes: number
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

/**
 * Bytes by key in a directory.
 *
 * ```
 *  get ──► pending store? ──► index ──┬─ nothing, or no time left ──► undefined, no I/O
 *                                     └─ segment or file ─► checksums, key ──┬─► value
 *                                                                            └─ damaged ─► undefined, and forgotten
 *  set ──► packed ──► small: log │ large: own file, renamed, then its name into the log ──► index ──► true
 *  delete ──► index, at once ──► tombstone into the log ──► true
 * ```
 *
 * Nothing here rejects because of the disk: what cannot be read is a miss, what cannot be written answers false.
 */
export class DiskStore {
  readonly #rules: DiskRules
  readonly #context: StoreContext
  readonly #lock: DirectoryLock
  readonly #log: SegmentLog
  readonly #files: ValueFiles
  readonly #evictor: Evictor
  readonly #maintenance: Maintenance
  readonly #gate: Gate
  readonly #hash = new KeyHash()
  readonly time: DiskTime
  readonly reads: Breaker
  readonly writes: Breaker
  #index: DiskIndex
  /** Where values with a file of their own lie, by `fileKey`. */
  #refs = new Map<number, FileRef>()
  #fileBytes = 0
  readonly #packing = new PackingTurns()
  /** The newest store of each key that is not in the log yet. */
  readonly #pending = new Map<string, LogOp>()
  #state: DiskStats['state'] = 'opening'
  readonly #counts = { hits: 0, misses: 0, stores: 0, refused: 0, evicted: 0, damaged: 0, errors: 0 }
  readonly opened: Promise<boolean>
  #closing: Promise<void> | undefined
  /** Stores whose files are being written. */
  readonly #writing = new Set<Promise<unknown>>()

  /** @throws CacheError `DISK_LOCKED` */
  constructor(rules: DiskRules, context: StoreContext) {
    this.#rules = rules
    this.#context = context
    const { clock, random, onTrouble } = context
    this.reads = new Breaker(rules.breaker, clock, (state) => onTrouble({ kind: 'breaker', part: 'reads', state }))
    this.writes = new Breaker(rules.breaker, clock, (state) => onTrouble({ kind: 'breaker', part: 'writes', state }))
    this.#lock = new DirectoryLock(rules, context)
    const directory = join(this.#lock.directory, 'v1')
    this.time = new DiskTime(clock)
    this.#index = new DiskIndex((random.next() * 0x1_0000_0000) | 0)
    this.#gate = new Gate(rules.maxBytesInFlight)
    this.#files = new ValueFiles(join(directory, 'files'), { syncs: rules.durability === 'fsync' })
    this.#maintenance = new Maintenance({ hasWorker: context.hasWorker ?? true })
    const store = this
    this.#log = new SegmentLog(
      {
        directory: join(directory, 'log'),
        segmentBytes: rules.segmentBytes,
        syncs: rules.durability === 'fsync',
      },
      {
        isWanted: (op) => this.#isWanted(op),
        applied: (op, segment) => this.#applied(op, segment),
        lost: (op) => this.#lost(op),
        failed: (error) => this.#writeFailed('write', error),
        makeRoom: (isFull) => this.#evictor.makeRoom(isFull),
        rolled: () => this.#rolled(),
      },
      this.time,
    )
    this.#evictor = new Evictor({
      rules,
      log: this.#log,
      directory,
      get index() {
        return store.#index
      },
      time: this.time,
      fileBytes: () => this.#fileBytes,
      fileOf: (low, high) => this.#refs.get(fileKey(low, high)),
      onDropped: (low, high) => {
        this.#counts.evicted++
        this.#forgetFile(low, high)
      },
      keepReadable: (op) => void this.#pending.set(op.key, op),
      onError: (operation, error) => this.#tell(operation, error),
    })
    // Not before whoever makes the store can listen to its troubles.
    this.opened = Promise.resolve().then(() => this.#open(directory))
  }

  get directory(): string {
    return this.#lock.directory
  }

  get state(): DiskStats['state'] {
    return this.#state
  }

  async get(key: string): Promise<StoredValue | undefined> {
    if (this.#state === 'opening') await this.opened
    const found = this.#look(key)
    if (found === undefined || 'value' in found) return this.#counted(found)
    return this.#counted(await this.#read(found))
  }

  /** In the order of the keys; neighbours in a segment are read together. */
  async getMany(keys: readonly string[]): Promise<(StoredValue | undefined)[]> {
    if (this.#state === 'opening') await this.opened
    const looked = keys.map((key) => this.#look(key))
    const places = looked.flatMap((found, at) => (found && !('value' in found) ? [{ ...found, at }] : []))
    const answers: (StoredValue | undefined)[] = looked.map((found) => (found && 'value' in found ? found : undefined))
    await Promise.all([
      ...planReads(places.filter(({ file }) => file === undefined)).map(async (run) => {
        const bytes = await this.#readRun(run.segment, run.offset, run.length)
        for (const place of run.places) {
          const record = bytes?.subarray(place.offset - run.offset, place.offset - run.offset + place.length)
          answers[place.at] = record && (await this.#unpack(place, record))
        }
      }),
      ...places
        .filter(({ file }) => file !== undefined)
        .map(async (place) => {
          answers[place.at] = await this.#read(place)
        }),
    ])
    return answers.map((answer) => this.#counted(answer))
  }

  set(entry: StoreEntry): Promise<boolean> {
    return this.setMany([entry])
  }

  /** All or none of them are there after a crash. False: not stored, and what was there before is gone. */
  async setMany(entries: readonly StoreEntry[]): Promise<boolean> {
    if (this.#state === 'opening') await this.opened
    if (!this.#accepts(entries) || !this.writes.admit()) return this.#refuse(entries)
    const prepared = entries.map((entry) => this.#prepare(entry))
    if (prepared.some((one) => one instanceof Promise)) return this.#storeLater(entries, prepared)
    for (const { key } of entries) this.#packing.overtake(key)
    return this.#store(prepared as LogOp[], entries)
  }

  /** What is packed or written to a file first is overtaken by what is stored or deleted meanwhile. */
  async #storeLater(
    entries: readonly StoreEntry[],
    prepared: readonly (LogOp | Promise<LogOp | undefined>)[],
  ): Promise<boolean> {
    const turn = this.#packing.begin(entries)
    const ready = await this.#track(Promise.all(prepared))
    const isCurrent = this.#packing.end(entries, turn)
    for (const [index, op] of ready.entries()) if (op && !isCurrent[index]) this.#removeFile(op)
    const ops = ready.filter((_, index) => isCurrent[index])
    // What overtook it is on its way; together they are acknowledged.
    if (ops.length === 0) return this.#log.written()
    return this.#store(
      ops,
      entries.filter((_, index) => isCurrent[index]),
    )
  }

  /** At once for readers; resolves when the log has it. True also if there was nothing. */
  delete(keys: readonly string[]): Promise<boolean> {
    return this.#mark(keys, TOMBSTONE)
  }

  /** The entries stay and are told as softly invalidated from now on. */
  soften(keys: readonly string[]): Promise<boolean> {
    return this.#mark(keys, SOFTENED)
  }

  /** Resolves when everything so far would survive a power cut; false if something was lost on the way. */
  async sync(): Promise<boolean> {
    if (this.#state !== 'open') return false
    return this.#log.sync()
  }

  has(key: string): boolean {
    const { low, high } = this.#hash.of(key)
    return this.#pending.has(key) || this.#index.find(low, high)
  }

  stats(): DiskStats {
    return {
      state: this.#state,
      entries: this.#index.size,
      maxEntries: this.#rules.maxEntries,
      bytes: this.#log.bytes + this.#fileBytes,
      maxBytes: this.#rules.maxBytes,
      segments: this.#log.segments,
      files: this.#refs.size,
      indexBytes: this.#index.bytes,
      ...this.#counts,
      reads: this.reads.state,
      writes: this.writes.state,
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.opened
    await Promise.all(this.#writing)
    this.#state = 'closed'
    try {
      await this.#evictor.close()
      await this.#log.close()
    } finally {
      await this.#maintenance.close()
      this.#lock.release()
    }
  }

  async #open(directory: string): Promise<boolean> {
    try {
      if (this.#lock.error !== undefined) throw this.#lock.error
      const seed = (this.#context.random.next() * 0x1_0000_0000) | 0
      // A thread takes longer to begin than a small directory takes to read.
      const isSmall = bytesToRecover(directory) <= SMALL_BYTES
      const found = await this.#maintenance.run({ task: 'recover', directory, seed }, isSmall)
      await this.#log.adopt(found.segments)
      this.#index = new DiskIndex(found.index)
      for (const { low, high, file } of found.files) {
        this.#refs.set(fileKey(low, high), file)
        this.#fileBytes += file.bytes
      }
      this.time.continueFrom(found.lastSequence)
      this.#counts.damaged += found.damaged
      if (found.damaged > 0) this.#context.onTrouble({ kind: 'damaged', records: found.damaged })
      this.#state = 'open'
      const live = found.files.map(({ low, high, file }) => this.#files.path(low, high, file))
      this.#maintenance
        .run({ task: 'sweep', directory, live, before: found.lastSequence }, isSmall)
        .catch((error: unknown) => {
          if (this.#state === 'open') this.#tell('sweep', error)
        })
      return true
    } catch (error) {
      this.#state = 'failed'
      this.#tell('open', error)
      return false
    }
  }

  /** Now and then: is the directory still ours? Nobody takes over from the living, but an administrator may. */
  #rolled(): void {
    if (this.#lock.keep()) this.#evictor.tidySoon()
    else {
      this.#state = 'failed'
      this.#tell('lock', new Error(`directory '${this.directory}' was taken over by another process`))
    }
  }

  #look(key: string): StoredValue | Place | undefined {
    if (this.#state !== 'open') return undefined
    const pending = this.#pending.get(key)
    if (pending !== undefined && pending.codec === 0 && pending.file === undefined) {
      const { value, flags, sequence } = pending
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      return { value: bytes, isSoft: (flags & SOFT) !== 0, sequence: sequence || this.time.lastSequence }
    }
    const { low, high } = this.#hash.of(key)
    if (!this.#index.find(low, high)) return undefined
    const { segment, offset, length, flags, expiresAt } = this.#index
    if (expiresAt !== NEVER && this.time.nowMs() >= expiresAt * 1000) return undefined
    this.#index.use()
    const file = flags & HAS_FILE ? this.#refs.get(fileKey(low, high)) : undefined
    if (flags & HAS_FILE && file === undefined) return undefined
    const from = this.#log.segment(segment)
    return from && { key, low, high, segment: from, slot: segment, offset, length, flags, file }
  }

  async #read(place: Place): Promise<StoredValue | undefined> {
    if (place.file) return this.#readFile(place, place.file)
    const bytes = await this.#readRun(place.segment, place.offset, place.length)
    return bytes && this.#unpack(place, bytes)
  }

  async #readRun(segment: Segment, offset: number, length: number): Promise<Buffer | undefined> {
    return this.#reading(length, async () => {
      const bytes = Buffer.allocUnsafe(length)
      const count = await segment.read(bytes, offset)
      return count === length ? bytes : bytes.subarray(0, count)
    })
  }

  /** One read of the device: behind the breaker, within the bytes in flight. Undefined if it failed. */
  async #reading<T>(bytes: number, read: () => Promise<T>): Promise<T | undefined> {
    if (!this.reads.admit()) return undefined
    const turn = this.#gate.enter(bytes)
    if (turn !== undefined) await turn
    try {
      const answer = await read()
      this.reads.succeeded()
      return answer
    } catch (error) {
      if (isDeviceError(error)) this.reads.failed()
      else this.reads.succeeded()
      this.#tell('read', error)
      return undefined
    } finally {
      this.#gate.leave(bytes)
    }
  }

  #unpack(place: Place, bytes: Buffer): StoredValue | undefined | Promise<StoredValue | undefined> {
    const head = readHead(bytes, 0)
    const value = head && valueAt(bytes, 0, head)
    if (head === undefined || value === undefined) return this.#damaged(place)
    // Another key of the same hash: as likely as a second copy of the key in the library.
    if (keyOf(bytes, 0, head) !== place.key) return undefined
    return this.#decoded(place, head, value)
  }

  async #readFile(place: Place, file: FileRef): Promise<StoredValue | undefined> {
    const path = this.#files.path(place.low, place.high, file)
    const content = await this.#reading(file.bytes, async () => (await this.#files.read(path, file.bytes)) ?? MISSING)
    if (content === undefined || content === MISSING) return undefined
    if (content === 'damaged') return this.#damaged(place)
    return content.key === place.key ? this.#decoded(place, content.head, content.value) : undefined
  }

  #decoded(place: Place, head: RecordHead, value: Buffer): StoredValue | undefined | Promise<StoredValue | undefined> {
    const isSoft = ((place.flags | head.flags) & SOFT) !== 0
    const { sequence, codec, rawBytes } = head
    if (codec === 0) return { value, isSoft, sequence }
    try {
      const raw = unpack(codec, value, rawBytes)
      if (!(raw instanceof Promise)) return { value: raw, isSoft, sequence }
      return raw.then((value) => ({ value, isSoft, sequence })).catch(() => this.#damaged(place))
    } catch {
      return this.#damaged(place)
    }
  }

  /** Forgets an entry that cannot be read as it was written, here and for those who open the directory later. */
  #damaged({ key, low, high, slot, offset }: Place): undefined {
    if (!this.#index.find(low, high) || !this.#index.isAt(slot, offset)) return undefined
    this.#counts.damaged++
    this.#context.onTrouble({ kind: 'damaged', records: 1 })
    // A note's loss is for its owner to see: it must not look as if it had never been.
    if (this.#index.flags & NOTE) return undefined
    void this.#track(this.delete([key]))
    return undefined
  }

  #counted(found: StoredValue | undefined): StoredValue | undefined {
    if (found) this.#counts.hits++
    else this.#counts.misses++
    return found
  }

  #accepts(entries: readonly StoreEntry[]): boolean {
    if (this.#state !== 'open' || entries.length === 0 || entries.length > MAX_BATCH) return false
    let bytes = this.#log.queuedBytes
    for (const { key, value } of entries) {
      const valueBytes = Buffer.byteLength(value)
      if (valueBytes > this.#rules.maxEntryBytes || Buffer.byteLength(key) > MAX_KEY_BYTES) return false
      bytes += valueBytes
    }
    return bytes <= MAX_QUEUED_BYTES || bytes - this.#log.queuedBytes > MAX_QUEUED_BYTES / 2
  }

  /** The record of an entry, packed; undefined if its file could not be written. */
  #prepare(entry: StoreEntry): LogOp | Promise<LogOp | undefined> {
    const { key, value } = entry
    const { compression, maxLogValueBytes } = this.#rules
    const keyBytes = Buffer.byteLength(key)
    const valueBytes = Buffer.byteLength(value)
    const isLarge = valueBytes > maxLogValueBytes && !entry.isNote
    if (!isLarge && (compression === undefined || valueBytes < compression.minBytes || entry.isNote)) {
      return this.#op(entry, { keyBytes, value, valueBytes, rawBytes: valueBytes, codec: 0 })
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    const packed = compression && pack(bytes, compression)
    if (packed instanceof Promise) return packed.then((done) => this.#packed(entry, keyBytes, bytes, done))
    return this.#packed(entry, keyBytes, bytes, packed)
  }

  #packed(
    entry: StoreEntry,
    keyBytes: number,
    raw: Buffer,
    packed: { codec: number; bytes: Buffer } | undefined,
  ): LogOp | Promise<LogOp | undefined> {
    const value = packed?.bytes ?? raw
    const fields = { keyBytes, value, valueBytes: value.length, rawBytes: raw.length, codec: packed?.codec ?? 0 }
    return value.length > this.#rules.maxLogValueBytes ? this.#toFile(entry, fields) : this.#op(entry, fields)
  }

  async #toFile(entry: StoreEntry, fields: PackedFields): Promise<LogOp | undefined> {
    const id = this.time.nextSequence()
    const { low, high } = this.#hash.of(entry.key)
    const flags = entry.isSoft ? SOFT : 0
    const head = {
      type: ENTRY,
      flags,
      remaining: 0,
      expiresAt: this.#expiresAt(entry),
      sequence: id,
      ...fields,
    } as const
    const bytes = 40 + fields.keyBytes + fields.valueBytes + 12
    const file: FileRef = { id, bytes, partition: low % this.#rules.partitions }
    const turn = this.#gate.enter(bytes)
    if (turn !== undefined) await turn
    try {
      await this.#files.write(this.#files.path(low, high, file), head, entry.key, fields.value as Buffer)
    } catch (error) {
      this.#writeFailed('write', error)
      return undefined
    } finally {
      this.#gate.leave(bytes)
    }
    const value = encodeFileRef(file)
    return this.#op(entry, { ...fields, value, valueBytes: FILE_REF_BYTES }, file)
  }

  #op(entry: StoreEntry, fields: PackedFields, file?: FileRef): LogOp {
    const { low, high } = this.#hash.of(entry.key)
    const flags = (entry.isSoft ? SOFT : 0) | (entry.isNote ? NOTE : 0) | (file ? HAS_FILE : 0)
    return logOp({
      type: ENTRY,
      key: entry.key,
      low,
      high,
      flags,
      file,
      sequence: file?.id ?? 0,
      expiresAt: this.#expiresAt(entry),
      ...fields,
    })
  }

  #expiresAt({ lifeMs }: StoreEntry): number {
    return lifeMs === undefined ? NEVER : Math.min(NEVER - 1, Math.ceil((this.time.nowMs() + lifeMs) / 1000))
  }

  #store(ops: readonly (LogOp | undefined)[], entries: readonly StoreEntry[]): Promise<boolean> | boolean {
    const whole = ops.filter((op) => op !== undefined)
    if (whole.length < ops.length || this.#state !== 'open') {
      for (const op of whole) this.#removeFile(op)
      return this.#refuse(entries)
    }
    this.#counts.stores += whole.length
    for (const op of whole) this.#pending.set(op.key, op)
    const written = new Promise<boolean>((settle) => {
      whole.at(-1)!.settle = settle
    })
    this.#log.pushBatch(whole)
    return this.#rules.durability === 'memory' ? true : written
  }

  /** What cannot be stored must not leave an older value in its place. */
  #refuse(entries: readonly StoreEntry[]): boolean {
    this.#counts.refused += entries.length
    if (this.#state === 'open') void this.#track(this.delete(entries.map(({ key }) => key)))
    return false
  }

  #mark(keys: readonly string[], type: typeof TOMBSTONE | typeof SOFTENED): Promise<boolean> {
    if (this.#state === 'opening') return this.opened.then((isOpen) => isOpen && this.#mark(keys, type))
    if (this.#state !== 'open') return Promise.resolve(false)
    const ops: LogOp[] = []
    for (const key of keys) {
      const op = type === TOMBSTONE ? this.#remove(key) : this.#softened(key)
      if (op) ops.push(op)
    }
    // Somebody else's deletion of the same key may still be on its way.
    if (ops.length === 0) return this.#log.written()
    if (!this.writes.admit()) {
      // Gone here, but still in the log: who opens it later must not believe it.
      this.#log.barLater()
      return Promise.resolve(false)
    }
    return new Promise((settle) => {
      ops.at(-1)!.settle = settle
      for (const op of ops) this.#log.push(op)
    })
  }

  #remove(key: string): LogOp | undefined {
    const { low, high } = this.#hash.of(key)
    const pending = this.#pending.get(key)
    this.#packing.overtake(key)
    if (pending) {
      pending.isCancelled = true
      this.#pending.delete(key)
    }
    const isIndexed = this.#index.find(low, high)
    if (isIndexed) this.#forget(low, high)
    return pending || isIndexed ? logOp({ type: TOMBSTONE, key, low, high, expiresAt: NEVER }) : undefined
  }

  #softened(key: string): LogOp | undefined {
    const { low, high } = this.#hash.of(key)
    const pending = this.#pending.get(key)
    if (pending) pending.flags |= SOFT
    const isIndexed = this.#index.find(low, high)
    if (isIndexed) this.#index.addFlags(SOFT)
    return pending || isIndexed ? logOp({ type: SOFTENED, key, low, high, expiresAt: NEVER }) : undefined
  }

  #isWanted({ copyOf, type, low, high, key }: LogOp): boolean {
    if (copyOf === undefined) return true
    const isKnown = this.#index.find(low, high)
    if (type === TOMBSTONE) return !isKnown && !this.#pending.has(key)
    return isKnown && (type === SOFTENED || this.#index.isAt(copyOf.slot, copyOf.offset))
  }

  #applied(op: LogOp, segment: Segment): void {
    this.writes.succeeded()
    if (op.type !== ENTRY) return
    const { low, high, key, copyOf } = op
    if (this.#pending.get(key) === op) this.#pending.delete(key)
    if (op.isCancelled) {
      if (!copyOf) this.#removeFile(op)
      return
    }
    let uses = 0
    if (copyOf) {
      if (!this.#index.find(low, high) || !this.#index.isAt(copyOf.slot, copyOf.offset)) return
      uses = this.#rules.eviction === 'lfu' ? this.#index.uses >> 1 : 0
      this.#countLive(low, high, -1)
    } else if (this.#index.find(low, high)) this.#forget(low, high)
    const { offset, length, expiresAt, flags, file } = op
    // A softening that came while a copy was on its way stays.
    const softened = copyOf && this.#index.find(low, high) ? this.#index.flags & SOFT : 0
    this.#index.put(low, high, { segment: segment.slot, offset, length, expiresAt, flags: flags | softened, uses })
    if (file && !copyOf) {
      this.#refs.set(fileKey(low, high), file)
      this.#fileBytes += file.bytes
    }
    segment.liveBytes += length + (file?.bytes ?? 0)
  }

  #lost(op: LogOp): void {
    if (op.type !== ENTRY || op.copyOf) return
    this.#removeFile(op)
    if (this.#pending.get(op.key) === op) this.#pending.delete(op.key)
    // Acknowledged or not, the older value is not what its owner wanted.
    if (!op.isCancelled && this.#index.find(op.low, op.high)) this.#forget(op.low, op.high)
  }

  /** Takes the found row out of the index, and its file off the disk. */
  #forget(low: number, high: number): void {
    this.#countLive(low, high, -1)
    this.#index.remove()
    this.#forgetFile(low, high)
  }

  #countLive(low: number, high: number, sign: 1 | -1): void {
    const segment = this.#log.segment(this.#index.segment)
    const file = this.#index.flags & HAS_FILE ? this.#refs.get(fileKey(low, high)) : undefined
    if (segment) segment.liveBytes += sign * (this.#index.length + (file?.bytes ?? 0))
  }

  #forgetFile(low: number, high: number): void {
    const file = this.#refs.get(fileKey(low, high))
    if (file === undefined) return
    this.#refs.delete(fileKey(low, high))
    this.#fileBytes -= file.bytes
    void this.#files.remove(this.#files.path(low, high, file))
  }

  #removeFile({ low, high, file }: LogOp): void {
    if (file) void this.#files.remove(this.#files.path(low, high, file))
  }

  #writeFailed(operation: string, error: unknown): void {
    if (isDeviceError(error)) this.writes.failed()
    else this.writes.succeeded()
    this.#tell(operation, error)
  }

  #tell(operation: string, error: unknown): void {
    this.#counts.errors++
    this.#context.onTrouble({ kind: 'failed', operation, error })
  }

  /** `close` waits for it. */
  #track<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<unknown> = work.then(ignore, ignore).then(() => this.#writing.delete(settled))
    this.#writing.add(settled)
    return work
  }
}

const MISSING = Symbol('missing')

interface PackedFields {
  readonly keyBytes: number
  readonly value: Buffer | string
  readonly valueBytes: number
  readonly rawBytes: number
  readonly codec: number
}

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
  readonly file: FileRef | undefined
}

export function isDeviceError(error: unknown): boolean {
  return DEVICE_ERRORS.has((error as NodeJS.ErrnoException | undefined)?.code ?? '')
}

function ignore(): void {}
