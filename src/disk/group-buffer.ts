import type { DiskTime } from './disk-time.js'
import { type LogOp, SYNC } from './log-op.js'
import { BARRIER, HEAD_BYTES, NOTE, type RecordHead, recordBytes, sealRecord } from './record.js'

const FIRST_BYTES = 256 * 1024
/** What a larger batch needed is given back. */
const LARGEST_KEPT = 8 * 1024 * 1024

/** The records of one write, one after the other. */
export class GroupBuffer {
  readonly #time: DiskTime
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)

  constructor(time: DiskTime) {
    this.#time = time
  }

  get bytes(): Buffer {
    return this.#buffer
  }

  /** Tells each its sequence and its place behind `from`; answers how many bytes there are to be written. */
  encode(ops: readonly LogOp[], from: number): number {
    const bytes = bytesOf(ops)
    const isLarge = this.#buffer.length > LARGEST_KEPT * 1.25
    if (bytes > this.#buffer.length || (isLarge && bytes <= LARGEST_KEPT)) {
      this.#buffer = Buffer.allocUnsafeSlow(Math.ceil(Math.max(bytes, FIRST_BYTES) * 1.25))
    }
    let at = 0
    for (const op of ops) {
      op.sequence ||= this.#time.nextSequence()
      this.#put(op, at)
      op.offset = from + at
      op.length = recordBytes(op.keyBytes, op.valueBytes)
      at += op.length
    }
    return bytes
  }

  #put(op: LogOp, at: number): void {
    const buffer = this.#buffer
    const { key, keyBytes, value, valueBytes } = op
    const keyAt = at + HEAD_BYTES
    buffer.write(key, keyAt, keyBytes, 'utf8')
    if (typeof value === 'string') buffer.write(value, keyAt + keyBytes, valueBytes, 'utf8')
    else if (valueBytes > 0) buffer.set(value, keyAt + keyBytes)
    const isOfOthers = op.type === BARRIER || (op.flags & NOTE) !== 0
    // Of a note or a barrier the tail says nothing, because losing one concerns other keys.
    sealRecord(buffer, at, op as LogOp & RecordHead, isOfOthers ? 0 : op.low, isOfOthers ? 0 : op.high)
  }
}

export function bytesOf(ops: readonly LogOp[]): number {
  let bytes = 0
  for (const op of ops) if (op.type !== SYNC) bytes += recordBytes(op.keyBytes, op.valueBytes)
  return bytes
}
