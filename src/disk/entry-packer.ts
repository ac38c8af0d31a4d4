import { pack, packNow, SYNC_BYTES } from './compression.js'
import type { DiskRules } from './disk-tier-options.js'
import type { DiskTime } from './disk-time.js'
import { Gate } from './gate.js'
import type { FileRef } from './hint.js'
import { KeyHash } from './key-hash.js'
import { type LogOp, logOp } from './log-op.js'
import { ENTRY, HAS_FILE, NEVER, NOTE, recordBytes, SOFT } from './record.js'
import { encodeFileRef, FILE_REF_BYTES } from './scan.js'
import { toBytes } from './text-bytes.js'
import type { ValueFiles } from './value-files.js'

export interface StoreEntry {
  readonly key: string
  readonly value: Buffer | string
  /** Gone after so many milliseconds. Default: never. */
  readonly lifeMs?: number | undefined
  readonly isSoft?: boolean | undefined
  /** Survives eviction, and damage to others: what the owner of the store must not forget. */
  readonly isNote?: boolean | undefined
}

export interface PackerParts {
  readonly rules: DiskRules
  readonly time: DiskTime
  readonly gate: Gate
  readonly files: ValueFiles
  onError(error: unknown): void
}

interface Packed {
  readonly value: Buffer | string
  readonly valueBytes: number
  readonly rawBytes: number
  readonly codec: number
}

/** What does not wait for the packing. */
interface Frame {
  readonly keyBytes: number
  readonly expiresAt: number
  /** Of the moment of the call: a mark that is set while the record is on its way is the later one. */
  readonly sequence: number
}

/** Makes the record of an entry: packed, and with its value in a file of its own if it is large. */
export class EntryPacker {
  readonly #parts: PackerParts
  readonly #hash = new KeyHash()
  /** Not that of the device: a slow codec must not hold up reads. */
  readonly #packing: Gate
  #bytesUnderWay = 0

  constructor(parts: PackerParts) {
    this.#parts = parts
    this.#packing = new Gate(parts.rules.maxBytesInFlight)
  }

  /** Of large values that are being packed and written, or wait for it. */
  get bytesUnderWay(): number {
    return this.#bytesUnderWay
  }

  /** At once for what is small; undefined if its file could not be written. */
  prepare(entry: StoreEntry): LogOp | Promise<LogOp | undefined> {
    const { key, value, isNote, lifeMs } = entry
    const { rules, time } = this.#parts
    const frame = {
      keyBytes: Buffer.byteLength(key),
      expiresAt: lifeMs === undefined ? NEVER : Math.min(NEVER - 1, Math.ceil((time.nowMs() + lifeMs) / 1000)),
      sequence: time.nextSequence(),
    }
    const valueBytes = Buffer.byteLength(value)
    const isPacked = rules.compression !== undefined && valueBytes >= rules.compression.minBytes
    if (!isNote && (valueBytes > rules.maxLogValueBytes || (isPacked && valueBytes > SYNC_BYTES))) {
      return this.#prepareInTurn(entry, frame, valueBytes)
    }
    const plain = { value, valueBytes, rawBytes: valueBytes, codec: 0 }
    if (isNote || !isPacked) return this.#op(entry, frame, plain)
    const packed = packNow(typeof value === 'string' ? Buffer.from(value) : value, rules.compression!)
    if (packed === undefined) return this.#op(entry, frame, plain)
    const { codec, bytes } = packed
    return this.#op(entry, frame, { value: bytes, valueBytes: bytes.length, rawBytes: valueBytes, codec })
  }

  /** Many large stores of one turn are not all copied in it: they wait for each other. */
  async #prepareInTurn(entry: StoreEntry, frame: Frame, rawBytes: number): Promise<LogOp | undefined> {
    const { rules, onError } = this.#parts
    this.#bytesUnderWay += rawBytes
    const turn = this.#packing.enter(rawBytes)
    if (turn !== undefined) await turn
    try {
      const bytes = await toBytes(entry.value, rawBytes)
      const packed = rules.compression && (await pack(bytes, rules.compression))
      const { codec, bytes: value } = packed ?? { codec: 0, bytes }
      const fields = { value, valueBytes: value.length, rawBytes, codec }
      if (value.length <= rules.maxLogValueBytes) return this.#op(entry, frame, fields)
      return await this.#toFile(entry, frame, fields)
    } catch (error) {
      onError(error)
      return undefined
    } finally {
      this.#packing.leave(rawBytes)
      this.#bytesUnderWay -= rawBytes
    }
  }

  async #toFile(entry: StoreEntry, frame: Frame, packed: Packed & { readonly value: Buffer }): Promise<LogOp> {
    const { rules, files, gate } = this.#parts
    const { key, isSoft } = entry
    const { low, high } = this.#hash.of(key)
    const bytes = recordBytes(frame.keyBytes, packed.valueBytes)
    const file: FileRef = { id: frame.sequence, bytes, partition: low % rules.partitions }
    const head = { type: ENTRY, flags: isSoft ? SOFT : 0, remaining: 0, ...frame, ...packed } as const
    await gate.run(bytes, () => files.write(files.path(low, high, file), head, key, packed.value))
    return this.#op(entry, frame, { ...packed, value: encodeFileRef(file), valueBytes: FILE_REF_BYTES }, file)
  }

  #op({ key, isSoft, isNote }: StoreEntry, frame: Frame, packed: Packed, file?: FileRef): LogOp {
    const { low, high } = this.#hash.of(key)
    return logOp({
      type: ENTRY,
      key,
      low,
      high,
      keyBytes: frame.keyBytes,
      value: packed.value,
      valueBytes: packed.valueBytes,
      rawBytes: packed.rawBytes,
      codec: packed.codec,
      flags: (isSoft ? SOFT : 0) | (isNote ? NOTE : 0) | (file ? HAS_FILE : 0),
      expiresAt: frame.expiresAt,
      file,
      sequence: frame.sequence,
    })
  }
}
