import type { Catalog, Place } from './catalog.js'
import type { DiskTime } from './disk-time.js'
import { KeyHash } from './key-hash.js'
import { NEVER, SOFT } from './record.js'
import { type RecordReader, type StoredValue, toMs } from './record-reader.js'

export interface ReaderParts {
  readonly catalog: Catalog
  readonly records: RecordReader
  readonly time: DiskTime
  isOpen(): boolean
}

/** What is held of a key: a store that is still on its way into the log, or the record that the index names. */
export class EntryReader {
  readonly #parts: ReaderParts
  readonly #hash = new KeyHash()
  readonly counts = { hits: 0, misses: 0 }

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  async get(key: string): Promise<StoredValue | undefined> {
    const found = this.#look(key)
    if (found === undefined || 'value' in found) return this.#counted(found)
    return this.#counted((await this.#parts.records.read(found)) ?? (await this.#readMoved(found)))
  }

  async getMany(keys: readonly string[]): Promise<(StoredValue | undefined)[]> {
    const looked = keys.map((key) => this.#look(key))
    const places = looked.flatMap((found, at) => (found && !('value' in found) ? [{ ...found, at }] : []))
    const answers = looked.map((found) => (found && 'value' in found ? found : undefined))
    await this.#parts.records.readMany(places, ({ at }, value) => {
      answers[at] = value
    })
    for (const place of places) answers[place.at] ??= await this.#readMoved(place)
    return answers.map((answer) => this.#counted(answer))
  }

  #look(key: string): StoredValue | Place | undefined {
    const { catalog, time } = this.#parts
    if (!this.#parts.isOpen()) return undefined
    const { index, pending } = catalog
    const coming = pending.get(key)
    if (coming !== undefined && coming.codec === 0 && coming.file === undefined) {
      const { value, flags, expiresAt, sequence } = coming
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      return { value: bytes, isSoft: (flags & SOFT) !== 0, expiresAtMs: toMs(expiresAt), sequence }
    }
    const { low, high } = this.#hash.of(key)
    if (!index.find(low, high)) return undefined
    const { expiresAt } = index
    if (expiresAt !== NEVER && time.nowMs() >= expiresAt * 1000) return undefined
    catalog.use()
    return catalog.place(key, low, high)
  }

  /** A record that was moved while it was about to be read: where it was the file may end by now. */
  async #readMoved({ key, low, high, slot, offset }: Place): Promise<StoredValue | undefined> {
    const { catalog, records } = this.#parts
    if (!this.#parts.isOpen() || !catalog.index.find(low, high) || catalog.index.isAt(slot, offset)) return undefined
    const place = catalog.place(key, low, high)
    return place && records.read(place)
  }

  #counted(found: StoredValue | undefined): StoredValue | undefined {
    if (found) this.counts.hits++
    else this.counts.misses++
    return found
  }
}
