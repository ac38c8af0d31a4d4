import { crc32 } from 'node:zlib'

/**
 * What a sealed segment holds, without keys and values: opening reads this instead of the segment.
 *
 * ```
 * head   24 bytes: magic 'FTh2', CRC-32 of all that follows, bytes of the segment (8), rows (4), 0 (4)
 * rows   48 bytes each, twelve 32-bit numbers: hash low, hash high, offset, length, expires at,
 *        type | flags << 8 | how many of the same batch follow << 16, sequence low, sequence high, file id low, file id
 *        high, file bytes, partition
 * ```
 *
 * Length 0 stands for what is not in the segment but must be known: the tombstone of a damaged record, or a barrier
 * where damage could not be told apart. Rows beyond the end of a segment that was cut since are of records that are gone.
 */
const MAGIC = 0x32685446
const HEAD_BYTES = 24
const ROW = 12
const FIRST_ROWS = 256

export interface HintRow {
  readonly low: number
  readonly high: number
  readonly offset: number
  readonly length: number
  readonly expiresAt: number
  readonly type: number
  readonly flags: number
  /** How many records of the same batch follow. */
  readonly remaining: number
  readonly sequence: number
  readonly file: FileRef | undefined
}

/** A value's own file: `id` is the sequence of the record that first named it. */
export interface FileRef {
  readonly id: number
  readonly bytes: number
  readonly partition: number
}

/** Rows of one segment, in the order of its records. */
export class HintRows {
  #rows = new Uint32Array(FIRST_ROWS * ROW)
  count = 0

  add(row: HintRow): void {
    const at = this.count * ROW
    if (at === this.#rows.length) {
      const grown = new Uint32Array(at * 2)
      grown.set(this.#rows)
      this.#rows = grown
    }
    const rows = this.#rows
    const { file } = row
    rows[at] = row.low
    rows[at + 1] = row.high
    rows[at + 2] = row.offset
    rows[at + 3] = row.length
    rows[at + 4] = row.expiresAt
    rows[at + 5] = row.type | (row.flags << 8) | (row.remaining << 16)
    rows[at + 6] = lowHalf(row.sequence)
    rows[at + 7] = highHalf(row.sequence)
    if (file !== undefined) {
      rows[at + 8] = lowHalf(file.id)
      rows[at + 9] = highHalf(file.id)
      rows[at + 10] = file.bytes
      rows[at + 11] = file.partition
    }
    this.count++
  }

  /** By its number, from 0 on. */
  row(index: number): HintRow {
    const rows = this.#rows
    const at = index * ROW
    const id = rows[at + 8]! + rows[at + 9]! * 0x1_0000_0000
    return {
      low: rows[at]!,
      high: rows[at + 1]!,
      offset: rows[at + 2]!,
      length: rows[at + 3]!,
      expiresAt: rows[at + 4]!,
      type: rows[at + 5]! & 0xff,
      flags: (rows[at + 5]! >>> 8) & 0xff,
      remaining: rows[at + 5]! >>> 16,
      sequence: rows[at + 6]! + rows[at + 7]! * 0x1_0000_0000,
      file: id === 0 ? undefined : { id, bytes: rows[at + 10]!, partition: rows[at + 11]! },
    }
  }

  [Symbol.iterator](): Iterator<HintRow> {
    return this.between(0, this.count)[Symbol.iterator]()
  }

  /** As often as it is walked over. */
  between(from: number, to: number): Iterable<HintRow> {
    const row = (index: number): HintRow => this.row(index)
    return {
      *[Symbol.iterator]() {
        for (let index = from; index < to; index++) yield row(index)
      },
    }
  }

  /** How many rows end within so many bytes of the segment. */
  countUpTo(segmentBytes: number): number {
    let count = this.count
    while (count > 0 && this.#endOf(count - 1) > segmentBytes) count--
    return count
  }

  #endOf(index: number): number {
    return this.#rows[index * ROW + 2]! + this.#rows[index * ROW + 3]!
  }

  /** True if a segment may end there: behind a record, and not within a batch. */
  #mayEndAt(segmentBytes: number): boolean {
    const count = this.countUpTo(segmentBytes)
    return count > 0 && this.#endOf(count - 1) === segmentBytes && this.row(count - 1).remaining === 0
  }

  encode(segmentBytes: number): Buffer {
    const body = this.#rows.subarray(0, this.count * ROW)
    const bytes = Buffer.allocUnsafe(HEAD_BYTES + body.byteLength)
    bytes.writeUInt32LE(MAGIC, 0)
    bytes.writeUInt32LE(lowHalf(segmentBytes), 8)
    bytes.writeUInt32LE(highHalf(segmentBytes), 12)
    bytes.writeUInt32LE(this.count, 16)
    bytes.writeUInt32LE(0, 20)
    bytes.set(new Uint8Array(body.buffer, 0, body.byteLength), HEAD_BYTES)
    bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
    return bytes
  }

  /** Undefined for bytes that are damaged, or of another segment than this one, or than this one before it was cut. */
  static decode(bytes: Buffer, segmentBytes: number): HintRows | undefined {
    if (bytes.length < HEAD_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined
    const count = bytes.readUInt32LE(16)
    if (bytes.length !== HEAD_BYTES + count * ROW * 4) return undefined
    if (crc32(bytes.subarray(8)) !== bytes.readUInt32LE(4)) return undefined
    const hint = new HintRows()
    // A copy: a file's bytes need not begin where a typed array may.
    hint.#rows = new Uint32Array(new Uint8Array(bytes.subarray(HEAD_BYTES)).buffer)
    hint.count = count
    const wholeBytes = bytes.readUInt32LE(8) + bytes.readUInt32LE(12) * 0x1_0000_0000
    return wholeBytes === segmentBytes || (wholeBytes > segmentBytes && hint.#mayEndAt(segmentBytes)) ? hint : undefined
  }
}

/** Of a record and of the file that it names. */
export function rowBytes({ length, file }: HintRow): number {
  return length + (file?.bytes ?? 0)
}

/** How many rows a hint of this size holds. */
export function rowsIn(hintBytes: number): number {
  return Math.max(0, Math.floor((hintBytes - HEAD_BYTES) / (ROW * 4)))
}

function lowHalf(value: number): number {
  return value % 0x1_0000_0000
}

function highHalf(value: number): number {
  return Math.floor(value / 0x1_0000_0000)
}
