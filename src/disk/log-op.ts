import type { FileRef } from './hint.js'
import type { RecordType } from './record.js'

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
  readonly expiresAt: number
  readonly file: FileRef | undefined
  /** 0: given when it is written. A record that is moved keeps its own. */
  readonly sequence: number
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
  /** Where it lies, once it is written. */
  offset: number
  length: number
}

export const NO_VALUE = Buffer.alloc(0)

export function logOp(fields: Partial<LogOp> & Pick<LogOp, 'type' | 'key' | 'low' | 'high'>): LogOp {
  return {
    keyBytes: Buffer.byteLength(fields.key),
    value: NO_VALUE,
    valueBytes: 0,
    rawBytes: 0,
    codec: 0,
    flags: 0,
    expiresAt: 0,
    file: undefined,
    sequence: 0,
    copyOf: undefined,
    isDurable: false,
    remaining: 0,
    isCancelled: false,
    settle: undefined,
    offset: 0,
    length: 0,
    ...fields,
  }
}
