import { join } from 'node:path'
import type { Clock } from '../core/ports/clock.js'
import type { Random } from '../core/ports/random.js'
import { Breaker, type BreakerState } from './breaker.js'
import { Catalog, type Place } from './catalog.js'
import { isDeviceError } from './device-error.js'
import { DirectoryLock } from './directory-lock.js'
import type { DiskRules } from './disk-tier-options.js'
import { DiskTime } from './disk-time.js'
import { EntryPacker, type StoreEntry } from './entry-packer.js'
import { EntryReader, type StoredValue } from './entry-reader.js'
import { Evictor } from './evictor.js'
import { Gate } from './gate.js'
import { KeyHash } from './key-hash.js'
import { type LogOp, logOp } from './log-op.js'
import { Maintenance } from './maintenance.js'
import { PackingTurns } from './packing-turns.js'
import { MAX_BATCH, MAX_KEY_BYTES, NEVER, NOTE, SOFT, SOFTENED, TOMBSTONE } from './record.js'
import { bytesToRecover } from './recover.js'
import { SegmentLog } from './segment-log.js'
import { ValueFiles } from './value-files.js'

/** Beyond it stores are refused: the disk does not keep up. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024
/** The same for large values, which the callers hold anyway. */
const MAX_PACKING_BYTES = 512 * 1024 * 1024

/** Read in this thread, when a directory is opened: some milliseconds. */
const SMALL_BYTES = 1024 * 1024

export interface DiskStats {
  readonly state: 'opening' | 'open' | 'failed' | 'closed'
  readonly entries: number
  readonly maxEntries: number
  /** Of the log and of values' own files. */
  readonly bytes: number
  readonly maxBytes: number
  /** Appended to the log since the store was opened, what was moved to keep it included. */
  readonly writtenBytes: number
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
  readonly #catalog: Catalog
  readonly #reader: EntryReader
  readonly #packer: EntryPacker
  readonly #evictor: Evictor
  readonly #maintenance: Maintenance
  readonly #hash = new KeyHash()
  readonly time: DiskTime
  readonly reads: Breaker
  readonly writes: Breaker
  readonly #packing = new PackingTurns()
  #state: DiskStats['state'] = 'opening'
  readonly #counts = { hits: 0, misses: 0, stores: 0, refused: 0, evicted: 0, damaged: 0, errors: 0 }
  readonly opened: Promise<boolean>
  /** Stores were refused since there was last nothing to write. */
  #isOverrun = false
  #closing: Promise<void> | undefined
  /** Stores whose files are being written. */
  readonly #writing = new Set<Promise<unknown>>()

  /** @throws CacheError `DISK_LOCKED` */
  constructor(rules: DiskRules, context: StoreContext) {
    this.#rules = rules
    this.#context = context
    const { clock, random, onTrouble } = context
    const syncs = rules.durability === 'fsync'
    this.reads = new Breaker(rules.breaker, clock, (state) => onTrouble({ kind: 'breaker', part: 'reads', state }))
    this.writes = new Breaker(rules.breaker, clock, (state) => onTrouble({ kind: 'breaker', part: 'writes', state }))
    this.#lock = new DirectoryLock(rules, context)
    const directory = join(this.#lock.directory, 'v1')
    const time = new DiskTime(clock)
    const gate = new Gate(rules.maxBytesInFlight)
    const files = new ValueFiles(join(directory, 'files'), { syncs })
    const catalog: Catalog = new Catalog(
      { eviction: rules.eviction, files, segment: (slot) => log.segment(slot) },
      (random.next() * 0x1_0000_0000) | 0,
    )
    const log: SegmentLog = new SegmentLog(
      { directory: join(directory, 'log'), segmentBytes: rules.segmentBytes, syncs },
      {
        isWanted: (op) => catalog.isWanted(op),
        applied: (op, segment) => {
          this.writes.succeeded()
          catalog.applied(op, segment)
        },
        lost: (op) => catalog.lost(op),
        failed: (error) => this.#writeFailed(error),
        hasRoomFor: (bytes) => this.#evictor.hasRoomFor(bytes),
        makeRoom: (bytes) => this.#evictor.makeRoom(bytes),
        heal: () => this.#evictor.heal(),
        rolled: () => this.#rolled(),
      },
      time,
    )
    this.time = time
    this.#files = files
    this.#catalog = catalog
    this.#log = log
    this.#reader = new EntryReader({
      breaker: this.reads,
      gate,
      files,
      onDamaged: (place) => this.#damaged(place),
      onError: (error) => this.#tell('read', error),
    })
    this.#packer = new EntryPacker({ rules, time, gate, files, onError: (error) => this.#writeFailed(error) })
    this.#evictor = new Evictor({
      rules,
      log,
      catalog,
      directory,
      time,
      onEvicted: () => void this.#counts.evicted++,
      onError: (operation, error) => this.#tell(operation, error),
    })
    this.#maintenance = new Maintenance({ hasWorker: context.hasWorker ?? true })
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
    return this.#counted((await this.#reader.read(found)) ?? (await this.#readMoved(found)))
  }

  /** In the order of the keys; neighbours in a segment are read together. */
  async getMany(keys: readonly string[]): Promise<(StoredValue | undefined)[]> {
    if (this.#state === 'opening') await this.opened
    const looked = keys.map((key) => this.#look(key))
    const places = looked.flatMap((found, at) => (found && !('value' in found) ? [{ ...found, at }] : []))
    const answers = looked.map((found) => (found && 'value' in found ? found : undefined))
    await this.#reader.readMany(places, ({ at }, value) => {
      answers[at] = value
    })
    for (const place of places) answers[place.at] ??= await this.#readMoved(place)
    return answers.map((answer) => this.#counted(answer))
  }

  set(entry: StoreEntry): Promise<boolean> {
    return this.setMany([entry])
  }

  /** All or none of them are there after a crash. False: not stored, and what was there before is gone. */
  async setMany(entries: readonly StoreEntry[]): Promise<boolean> {
    if (this.#state === 'opening') await this.opened
    if (!this.#accepts(entries) || !this.writes.admit()) return this.#refuse(entries)
    const prepared = entries.map((entry) => this.#packer.prepare(entry))
    if (prepared.some((one) => one instanceof Promise)) return this.#storeLater(entries, prepared)
    for (const { key } of entries) this.#packing.overtake(key)
    return await this.#store(prepared as LogOp[], entries)
  }

  /** What is packed or written to a file first is overtaken by what is stored or deleted meanwhile. */
  async #storeLater(
    entries: readonly StoreEntry[],
    prepared: readonly (LogOp | Promise<LogOp | undefined>)[],
  ): Promise<boolean> {
    const turn = this.#packing.begin(entries)
    const ready = await this.#track(Promise.all(prepared))
    const isCurrent = this.#packing.end(entries, turn)
    for (const [index, op] of ready.entries()) if (op && !isCurrent[index]) this.#catalog.removeFile(op)
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
    return this.#catalog.pending.has(key) || this.#catalog.index.find(low, high)
  }

  stats(): DiskStats {
    const { index, fileBytes, fileCount } = this.#catalog
    return {
      state: this.#state,
      entries: index.size,
      maxEntries: this.#rules.maxEntries,
      bytes: this.#log.bytes + fileBytes,
      maxBytes: this.#rules.maxBytes,
      writtenBytes: this.#log.writtenBytes,
      segments: this.#log.segments,
      files: fileCount,
      indexBytes: index.bytes,
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
      this.#catalog.adopt(found)
      this.time.continueFrom(found.lastSequence)
      this.#counts.damaged += found.damaged
      if (found.damaged > 0) this.#context.onTrouble({ kind: 'damaged', records: found.damaged })
      for (const name of found.foreign)
        this.#tell('open', new Error(`'${name}' is called like a segment and is no file`))
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
    const { index, pending } = this.#catalog
    const coming = pending.get(key)
    if (coming !== undefined && coming.codec === 0 && coming.file === undefined) {
      const { value, flags, sequence } = coming
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      return { value: bytes, isSoft: (flags & SOFT) !== 0, sequence }
    }
    const { low, high } = this.#hash.of(key)
    if (!index.find(low, high)) return undefined
    const { expiresAt } = index
    if (expiresAt !== NEVER && this.time.nowMs() >= expiresAt * 1000) return undefined
    this.#catalog.use()
    return this.#catalog.place(key, low, high)
  }

  /** A record that was moved while it was about to be read: where it was the file may end by now. */
  async #readMoved({ key, low, high, slot, offset }: Place): Promise<StoredValue | undefined> {
    const { index } = this.#catalog
    if (this.#state !== 'open' || !index.find(low, high) || index.isAt(slot, offset)) return undefined
    const place = this.#catalog.place(key, low, high)
    return place && this.#reader.read(place)
  }

  /** Forgets an entry that cannot be read as it was written, here and for those who open the directory later. */
  #damaged({ key, low, high, slot, offset }: Place): void {
    const { index } = this.#catalog
    if (!index.find(low, high) || !index.isAt(slot, offset)) return
    this.#counts.damaged++
    this.#context.onTrouble({ kind: 'damaged', records: 1 })
    // A note's loss is for its owner to see: it must not look as if it had never been.
    if (index.flags & NOTE) return
    void this.#track(this.delete([key]))
  }

  #counted(found: StoredValue | undefined): StoredValue | undefined {
    if (found) this.#counts.hits++
    else this.#counts.misses++
    return found
  }

  #accepts(entries: readonly StoreEntry[]): boolean {
    if (this.#state !== 'open' || entries.length === 0 || entries.length > MAX_BATCH) return false
    const { maxEntryBytes, maxLogValueBytes } = this.#rules
    let bytes = 0
    let largeBytes = 0
    for (const { key, value } of entries) {
      const valueBytes = Buffer.byteLength(value)
      if (valueBytes > maxEntryBytes || Buffer.byteLength(key) > MAX_KEY_BYTES) return false
      if (valueBytes > maxLogValueBytes) largeBytes += valueBytes
      else bytes += valueBytes
    }
    // What is larger than a bound goes alone.
    const [queued, packing] = [this.#log.queuedBytes, this.#packer.bytesUnderWay]
    const isOverrun =
      (queued > 0 && queued + bytes > MAX_QUEUED_BYTES) || (packing > 0 && packing + largeBytes > MAX_PACKING_BYTES)
    // Once for a whole rush.
    if (isOverrun && !this.#isOverrun) this.#tell('write', new Error('the disk does not keep up with what is stored'))
    this.#isOverrun = isOverrun || (this.#isOverrun && queued + packing > 0)
    return !isOverrun
  }

  #store(ops: readonly (LogOp | undefined)[], entries: readonly StoreEntry[]): Promise<boolean> | boolean {
    const whole = ops.filter((op) => op !== undefined)
    if (whole.length < ops.length || this.#state !== 'open') {
      for (const op of whole) this.#catalog.removeFile(op)
      return this.#refuse(entries)
    }
    this.#counts.stores += whole.length
    for (const op of whole) this.#catalog.pending.set(op.key, op)
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
    const { index, pending } = this.#catalog
    const { low, high } = this.#hash.of(key)
    const coming = pending.get(key)
    this.#packing.overtake(key)
    if (coming) {
      coming.isCancelled = true
      pending.delete(key)
    }
    const isIndexed = index.find(low, high)
    if (isIndexed) this.#catalog.forget(low, high)
    const isThere = isIndexed || coming !== undefined || this.#evictor.isDropping
    return isThere ? logOp({ type: TOMBSTONE, key, low, high, expiresAt: NEVER }) : undefined
  }

  #softened(key: string): LogOp | undefined {
    const { index, pending } = this.#catalog
    const { low, high } = this.#hash.of(key)
    const coming = pending.get(key)
    if (coming) coming.flags |= SOFT
    const isIndexed = index.find(low, high)
    if (isIndexed) index.addFlags(SOFT)
    const isThere = isIndexed || coming !== undefined || this.#evictor.isDropping
    return isThere ? logOp({ type: SOFTENED, key, low, high, expiresAt: NEVER }) : undefined
  }

  #writeFailed(error: unknown): void {
    if (isDeviceError(error)) this.writes.failed()
    else this.writes.succeeded()
    this.#tell('write', error)
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

function ignore(): void {}
