import { crc32 } from 'node:zlib'
import type { DiskTime } from './disk-time.js'
import type { LogOp } from './log-op.js'
import { BARRIER, HEAD_BYTES, NOTE, type RecordHead, sealRecord } from './record.js'

const FIRST_BYTES = 256 * 1024
const NOBODY = { low: 0, high: 0 }
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
      at += op.length
    }
    return bytes
  }

  #put(op: LogOp, at: number): void {
    const buffer = this.#buffer
    const { key, keyBytes, value, valueBytes } = op
    const keyAt = at + HEAD_BYTES
    buffer.write(key, keyAt, keyBytes, 'utf8')
    const valueAt = keyAt + keyBytes
    if (typeof value === 'string') buffer.write(value, valueAt, valueBytes, 'utf8')
    else if (valueBytes > 0) buffer.set(value, valueAt)
    // Of bytes that are at hand: to look at a part of the buffer makes an object.
    const crc = crc32(typeof value === 'string' ? buffer.subarray(valueAt, valueAt + valueBytes) : value)
    const isOfOthers = op.type === BARRIER || (op.flags & NOTE) !== 0
    // Of a note or a barrier the tail says nothing, because losing one concerns other keys.
    sealRecord(buffer, at, op as LogOp & RecordHead, crc, isOfOthers ? NOBODY : op)
  }
}

export function bytesOf(ops: readonly { readonly length: number }[]): number {
  let bytes = 0
  for (const { length } of ops) bytes += length
  return bytes
}
