import type { Breaker } from './breaker.js'
import type { Place } from './catalog.js'
import { unpack } from './compression.js'
import { isDeviceError } from './device-error.js'
import type { Gate } from './gate.js'
import type { FileRef } from './hint.js'
import { planReads, type ReadRun } from './read-plan.js'
import { keyOf, NEVER, type RecordHead, readHead, SOFT, valueAt } from './record.js'
import type { ValueFiles } from './value-files.js'

export interface StoredValue {
  readonly value: Buffer
  /** Softly invalidated since it was stored. */
  readonly isSoft: boolean
  /** Milliseconds since the Unix epoch, in whole seconds; `Infinity`: never. */
  readonly expiresAtMs: number
  /** Grows with every store of the directory; a value keeps its own. */
  readonly sequence: number
}

export interface ReaderParts {
  readonly breaker: Breaker
  /** Bytes under way, of reads and writes together. */
  readonly gate: Gate
  readonly files: ValueFiles
  /** What lies there is not what was written. */
  onDamaged(place: Place): void
  onError(error: unknown): void
}

/** Reads records from where they lie: a value that is not what was written, or that cannot be read, is undefined. */
export class RecordReader {
  readonly #parts: ReaderParts

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  async read(place: Place): Promise<StoredValue | undefined> {
    if (place.file) return this.#readFile(place, place.file)
    const bytes = await this.#readRun(place)
    return bytes && this.#unpack(place, bytes)
  }

  /** Neighbours in a segment are read together. Tells each place's value as it comes. */
  async readMany<P extends Place>(places: readonly P[], tell: (place: P, value: StoredValue) => void): Promise<void> {
    const readFile = async (place: P): Promise<void> => {
      const value = await this.read(place)
      if (value) tell(place, value)
    }
    const readAll = async (run: ReadRun<P>): Promise<void> => {
      const bytes = await this.#readRun(run)
      if (bytes === undefined) return
      for (const place of run.places) {
        const from = place.offset - run.offset
        const value = await this.#unpack(place, bytes.subarray(from, from + place.length))
        if (value) tell(place, value)
      }
    }
    await Promise.all([
      ...planReads(places.filter(({ file }) => file === undefined)).map(readAll),
      ...places.filter(({ file }) => file !== undefined).map(readFile),
    ])
  }

  #readRun({ segment, offset, length }: Omit<ReadRun<Place>, 'places'>): Promise<Buffer | undefined> {
    return this.#reading(length, () => segment.read(offset, length))
  }

  /** One read of the device: behind the breaker, within the bytes in flight. Undefined if it failed. */
  async #reading<T>(bytes: number, read: () => Promise<T>): Promise<T | undefined> {
    const { breaker, gate } = this.#parts
    if (!breaker.admit()) return undefined
    const turn = gate.enter(bytes)
    if (turn !== undefined) await turn
    try {
      const answer = await read()
      breaker.succeeded()
      return answer
    } catch (error) {
      if (isDeviceError(error)) breaker.failed()
      else breaker.succeeded()
      this.#parts.onError(error)
      return undefined
    } finally {
      gate.leave(bytes)
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
    const { files } = this.#parts
    const path = files.path(place.low, place.high, file)
    const content = await this.#reading(file.bytes, async () => (await files.read(path, file.bytes)) ?? MISSING)
    if (content === undefined || content === MISSING) return undefined
    if (content === 'damaged') return this.#damaged(place)
    return content.key === place.key ? this.#decoded(place, content.head, content.value) : undefined
  }

  #decoded(place: Place, head: RecordHead, value: Buffer): StoredValue | undefined | Promise<StoredValue | undefined> {
    const isSoft = ((place.flags | head.flags) & SOFT) !== 0
    const { sequence, codec, rawBytes } = head
    const expiresAtMs = toMs(place.expiresAt)
    if (codec === 0) return { value, isSoft, expiresAtMs, sequence }
    try {
      const raw = unpack(codec, value, rawBytes)
      if (!(raw instanceof Promise)) return { value: raw, isSoft, expiresAtMs, sequence }
      return raw.then((value) => ({ value, isSoft, expiresAtMs, sequence })).catch(() => this.#damaged(place))
    } catch {
      return this.#damaged(place)
    }
  }

  #damaged(place: Place): undefined {
    this.#parts.onDamaged(place)
  }
}

const MISSING = Symbol('missing')

export function toMs(expiresAt: number): number {
  return expiresAt === NEVER ? Number.POSITIVE_INFINITY : expiresAt * 1000
}
