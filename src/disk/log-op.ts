import type { FileRef } from './hint.js'
import { type RecordType, recordBytes } from './record.js'

/** Writes nothing: settles when all that was pushed before it is written. */
export const SYNC = 0

/** One record on its way into the log. */
export interface LogOp {
  readonly type: RecordType | typeof SYNC
  readonly key: string
  readonly low: number
  readonly high: number
  readonly keyBytes: number
  /** As it will lie there. Text is written as UTF-8. */
  readonly value: Buffer | string
  readonly valueBytes: number
  readonly rawBytes: number
  readonly codec: number
  flags: number
  /** Of a softening: when what stays is gone. */
  expiresAt: number
  readonly file: FileRef | undefined
  /** Of an entry, when it was stored, also where the record is moved; of the others 0 until they are written. */
  sequence: number
  /** Of a record that is moved: where it lies. It is moved only if the index still knows it there. */
  readonly copyOf: { readonly slot: number; readonly offset: number } | undefined
  /** Its group reaches the disk itself before it is settled. */
  readonly isDurable: boolean
  /** How many records of the same batch follow. */
  remaining: number
  /** A deletion or a newer value came before it was written: it goes into the log, but not into the index. */
  isCancelled: boolean
  /** Told once: false if it could not be written. */
  settle: ((isWritten: boolean) => void) | undefined
  /** Of the whole record, 0 where there is none. */
  readonly length: number
  /** Where it lies, once it is written. */
  offset: number
}

export const NO_VALUE = Buffer.alloc(0)

/** Field by field: one is made for every store, and a spread costs more than all the rest of it. */
export function logOp(fields: Partial<LogOp> & Pick<LogOp, 'type' | 'key' | 'low' | 'high'>): LogOp {
  const { type, key, low, high, valueBytes = 0 } = fields
  const keyBytes = fields.keyBytes ?? Buffer.byteLength(key)
  return {
    type,
    key,
    low,
    high,
    keyBytes,
    value: fields.value ?? NO_VALUE,
    valueBytes,
    rawBytes: fields.rawBytes ?? 0,
    codec: fields.codec ?? 0,
    flags: fields.flags ?? 0,
    expiresAt: fields.expiresAt ?? 0,
    file: fields.file,
    sequence: fields.sequence ?? 0,
    copyOf: fields.copyOf,
    isDurable: fields.isDurable ?? false,
    remaining: 0,
    isCancelled: false,
    settle: fields.settle,
    length: type === SYNC ? 0 : recordBytes(keyBytes, valueBytes),
    offset: 0,
  }
}
