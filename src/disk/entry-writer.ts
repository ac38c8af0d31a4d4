import type { Breaker } from './breaker.js'
import type { Catalog } from './catalog.js'
import type { DiskRules } from './disk-tier-options.js'
import type { EntryPacker, StoreEntry } from './entry-packer.js'
import { KeyHash } from './key-hash.js'
import { type LogOp, logOp } from './log-op.js'
import { PackingTurns } from './packing-turns.js'
import { MAX_BATCH, MAX_KEY_BYTES, NEVER, SOFT, SOFTENED, TOMBSTONE } from './record.js'
import type { SegmentLog } from './segment-log.js'

/** Beyond it stores are refused: the disk does not keep up. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024
/** The same for large values, which the callers hold anyway. */
const MAX_PACKING_BYTES = 512 * 1024 * 1024

/** The store, as far as writing to it concerns it. */
export interface WriterParts {
  readonly rules: DiskRules
  readonly catalog: Catalog
  readonly log: SegmentLog
  readonly packer: EntryPacker
  readonly breaker: Breaker
  isOpen(): boolean
  /** True: a key that the index does not know may still be on the disk, so that a deletion must say so there. */
  isDropping(): boolean
  onError(error: unknown): void
}

/**
 * Stores, deletes and softens: in memory at once, so that whoever reads meanwhile sees it, and then in the log. Everything
 * answers false if the log does not have it.
 */
export class EntryWriter {
  readonly #parts: WriterParts
  readonly #hash = new KeyHash()
  readonly #packing = new PackingTurns()
  /** Stores whose files are being written, and deletions that nobody waits for. */
  readonly #underWay = new Set<Promise<unknown>>()
  /** Stores were refused since there was last nothing to write. */
  #isOverrun = false
  readonly counts = { stores: 0, refused: 0 }

  constructor(parts: WriterParts) {
    this.#parts = parts
  }

  /** All or none of them are there after a crash. False: not stored, and what was there before is gone. */
  store(entries: readonly StoreEntry[]): Promise<boolean> {
    if (!this.#accepts(entries) || !this.#parts.breaker.admit()) return this.#refuse(entries)
    const prepared = entries.map((entry) => this.#parts.packer.prepare(entry))
    if (prepared.some((one) => one instanceof Promise)) return this.#storeLater(entries, prepared)
    for (const { key } of entries) this.#packing.overtake(key)
    return this.#push(prepared as LogOp[], entries)
  }

  /** What is packed or written to a file first is overtaken by what is stored or deleted meanwhile. */
  async #storeLater(
    entries: readonly StoreEntry[],
    prepared: readonly (LogOp | Promise<LogOp | undefined>)[],
  ): Promise<boolean> {
    const { catalog, log } = this.#parts
    const turn = this.#packing.begin(entries)
    const ready = await this.#track(Promise.all(prepared))
    const isCurrent = this.#packing.end(entries, turn)
    for (const [index, op] of ready.entries()) if (op && !isCurrent[index]) catalog.removeFile(op)
    const ops = ready.filter((_, index) => isCurrent[index])
    // What overtook it is on its way; together they are acknowledged.
    if (ops.length === 0) return log.written()
    return this.#push(
      ops,
      entries.filter((_, index) => isCurrent[index]),
    )
  }

  /** `ops`: undefined for what could not be prepared. */
  #push(ops: readonly (LogOp | undefined)[], entries: readonly StoreEntry[]): Promise<boolean> {
    const { catalog, log, rules } = this.#parts
    if (ops.includes(undefined) || !this.#parts.isOpen()) {
      for (const op of ops) if (op) catalog.removeFile(op)
      return this.#refuse(entries)
    }
    const whole = ops as readonly LogOp[]
    this.counts.stores += whole.length
    for (const op of whole) catalog.pending.set(op.key, op)
    const written = new Promise<boolean>((settle) => {
      whole.at(-1)!.settle = settle
    })
    log.pushBatch(whole)
    return rules.durability === 'memory' ? Promise.resolve(true) : written
  }

  #accepts(entries: readonly StoreEntry[]): boolean {
    const { rules, log, packer, onError } = this.#parts
    if (!this.#parts.isOpen() || entries.length === 0 || entries.length > MAX_BATCH) return false
    let bytes = 0
    let largeBytes = 0
    for (const { key, value } of entries) {
      const valueBytes = Buffer.byteLength(value)
      if (valueBytes > rules.maxEntryBytes || Buffer.byteLength(key) > MAX_KEY_BYTES) return false
      if (valueBytes > rules.maxLogValueBytes) largeBytes += valueBytes
      else bytes += valueBytes
    }
    // What is larger than a bound goes alone.
    const [queued, packing] = [log.queuedBytes, packer.bytesUnderWay]
    const isOverrun =
      (queued > 0 && queued + bytes > MAX_QUEUED_BYTES) || (packing > 0 && packing + largeBytes > MAX_PACKING_BYTES)
    // Once for a whole rush.
    if (isOverrun && !this.#isOverrun) onError(new Error('the disk does not keep up with what is stored'))
    this.#isOverrun = isOverrun || (this.#isOverrun && queued + packing > 0)
    return !isOverrun
  }

  /** What cannot be stored must not leave an older value in its place. */
  #refuse(entries: readonly StoreEntry[]): Promise<boolean> {
    this.counts.refused += entries.length
    if (this.#parts.isOpen()) this.forget(entries.map(({ key }) => key))
    return Promise.resolve(false)
  }

  /** A deletion that nobody waits for but `settled`. */
  forget(keys: readonly string[]): void {
    void this.#track(this.mark(keys, TOMBSTONE, NEVER))
  }

  /** At once for readers; resolves when the log has it. True also if there was nothing. `expiresAt`: of what stays. */
  mark(keys: readonly string[], type: typeof TOMBSTONE | typeof SOFTENED, expiresAt: number): Promise<boolean> {
    const { log, breaker } = this.#parts
    if (!this.#parts.isOpen()) return Promise.resolve(false)
    const ops: LogOp[] = []
    for (const key of keys) {
      const op = type === TOMBSTONE ? this.#remove(key) : this.#soften(key, expiresAt)
      if (op) ops.push(op)
    }
    // Somebody else's deletion of the same key may still be on its way.
    if (ops.length === 0) return log.written()
    if (!breaker.admit()) {
      // Gone here, but still in the log: who opens it later must not believe it.
      log.barLater()
      return Promise.resolve(false)
    }
    return new Promise((settle) => {
      ops.at(-1)!.settle = settle
      for (const op of ops) log.push(op)
    })
  }

  #remove(key: string): LogOp | undefined {
    const { catalog } = this.#parts
    const { index, pending } = catalog
    const { low, high } = this.#hash.of(key)
    const coming = pending.get(key)
    this.#packing.overtake(key)
    if (coming) {
      coming.isCancelled = true
      pending.delete(key)
    }
    const isIndexed = index.find(low, high)
    if (isIndexed) catalog.forget(low, high)
    const isThere = isIndexed || coming !== undefined || this.#parts.isDropping()
    return isThere ? logOp({ type: TOMBSTONE, key, low, high, expiresAt: NEVER }) : undefined
  }

  #soften(key: string, expiresAt: number): LogOp | undefined {
    const { index, pending } = this.#parts.catalog
    const { low, high } = this.#hash.of(key)
    const coming = pending.get(key)
    if (coming && !(coming.flags & SOFT)) {
      coming.flags |= SOFT
      coming.expiresAt = Math.min(coming.expiresAt, expiresAt)
    }
    const isIndexed = index.find(low, high)
    if (isIndexed) index.soften(expiresAt)
    const isThere = isIndexed || coming !== undefined || this.#parts.isDropping()
    return isThere ? logOp({ type: SOFTENED, key, low, high, expiresAt }) : undefined
  }

  /** Resolves when nothing is under way that is not in the log's queue. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<unknown> = work.then(ignore, ignore).then(() => this.#underWay.delete(settled))
    this.#underWay.add(settled)
    return work
  }
}

function ignore(): void {}
