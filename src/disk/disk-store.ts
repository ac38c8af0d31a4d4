import { join } from 'node:path'
import { Breaker } from './breaker.js'
import { Catalog, type Place } from './catalog.js'
import { isDeviceError } from './device-error.js'
import { DirectoryLock } from './directory-lock.js'
import type { DiskRules } from './disk-tier-options.js'
import { DiskTime } from './disk-time.js'
import { EntryPacker, type StoreEntry } from './entry-packer.js'
import { EntryReader } from './entry-reader.js'
import { EntryWriter } from './entry-writer.js'
import { Evictor } from './evictor.js'
import { Gate } from './gate.js'
import { KeyHash } from './key-hash.js'
import { Maintenance } from './maintenance.js'
import { NEVER, NOTE, SOFTENED, TOMBSTONE } from './record.js'
import { RecordReader, type StoredValue } from './record-reader.js'
import { bytesToRecover } from './recover.js'
import { SegmentLog } from './segment-log.js'
import type { DiskStats, StoreContext } from './store-context.js'
import { ValueFiles } from './value-files.js'

/** Read in this thread, when a directory is opened: some milliseconds. */
const SMALL_BYTES = 1024 * 1024

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
  readonly #writer: EntryWriter
  readonly #evictor: Evictor
  readonly #maintenance: Maintenance
  readonly #hash = new KeyHash()
  readonly time: DiskTime
  readonly reads: Breaker
  readonly writes: Breaker
  #state: DiskStats['state'] = 'opening'
  readonly #counts = { evicted: 0, damaged: 0, errors: 0 }
  readonly opened: Promise<boolean>
  #closing: Promise<void> | undefined

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
    const isOpen = (): boolean => this.#state === 'open'
    const records = new RecordReader({
      breaker: this.reads,
      gate,
      files,
      onDamaged: (place) => this.#damaged(place),
      onError: (error) => this.#tell('read', error),
    })
    this.#reader = new EntryReader({ catalog, records, time, isOpen })
    this.#writer = new EntryWriter({
      rules,
      catalog,
      log,
      packer: new EntryPacker({ rules, time, gate, files, onError: (error) => this.#writeFailed(error) }),
      breaker: this.writes,
      isOpen,
      isDropping: () => this.#evictor.isDropping,
      onError: (error) => this.#tell('write', error),
    })
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

  get(key: string): Promise<StoredValue | undefined> {
    return this.#state === 'opening' ? this.opened.then(() => this.#reader.get(key)) : this.#reader.get(key)
  }

  /** In the order of the keys; neighbours in a segment are read together. */
  getMany(keys: readonly string[]): Promise<(StoredValue | undefined)[]> {
    return this.#state === 'opening' ? this.opened.then(() => this.#reader.getMany(keys)) : this.#reader.getMany(keys)
  }

  set(entry: StoreEntry): Promise<boolean> {
    return this.setMany([entry])
  }

  /** All or none of them are there after a crash. False: not stored, and what was there before is gone. */
  setMany(entries: readonly StoreEntry[]): Promise<boolean> {
    return this.#state === 'opening' ? this.opened.then(() => this.#writer.store(entries)) : this.#writer.store(entries)
  }

  /** At once for readers; resolves when the log has it. True also if there was nothing. */
  delete(keys: readonly string[]): Promise<boolean> {
    return this.#mark(keys, TOMBSTONE, NEVER)
  }

  /** The entries stay, for so many milliseconds at most, and are told as softly invalidated from now on. */
  soften(keys: readonly string[], keepMs?: number): Promise<boolean> {
    const expiresAt = keepMs === undefined ? NEVER : Math.floor((this.time.nowMs() + keepMs) / 1000)
    return this.#mark(keys, SOFTENED, Math.min(expiresAt, NEVER))
  }

  #mark(keys: readonly string[], type: typeof TOMBSTONE | typeof SOFTENED, expiresAt: number): Promise<boolean> {
    if (this.#state === 'opening') return this.opened.then(() => this.#writer.mark(keys, type, expiresAt))
    return this.#writer.mark(keys, type, expiresAt)
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
      ...this.#reader.counts,
      ...this.#writer.counts,
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
    await this.#writer.settled()
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
        this.#tell('open', new Error(`'${name}' is called like a segment or a hint and is no file`))
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

  /** Forgets an entry that cannot be read as it was written, here and for those who open the directory later. */
  #damaged({ key, low, high, slot, offset }: Place): void {
    const { index } = this.#catalog
    if (!index.find(low, high) || !index.isAt(slot, offset)) return
    this.#counts.damaged++
    this.#context.onTrouble({ kind: 'damaged', records: 1 })
    // A note's loss is for its owner to see: it must not look as if it had never been.
    if (index.flags & NOTE) return
    this.#writer.forget([key])
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
}
