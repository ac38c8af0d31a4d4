import { crc32 } from 'node:zlib'

/**
 * One record of the log, and the whole content of a value's own file. All numbers are little endian.
 *
 * ```
 * offset width
 *      0     4  magic 'FTd1': the format's version is its last character
 *      4     4  CRC-32 of bytes 8 to the end of the key
 *      8     4  CRC-32 of the value as it lies here
 *     12     1  type: 1 entry, 2 tombstone, 3 softened, 4 barrier
 *     13     1  flags: 1 note, 2 soft, 4 the value has a file of its own
 *     14     1  codec of the value, see compression.ts
 *     15     1  reserved, 0
 *     16     2  length of the key in bytes
 *     18     2  how many records of the same batch follow
 *     20     4  length of the value here
 *     24     4  length of the value once decompressed
 *     28     4  expires at, seconds since the Unix epoch; 2^32-1 = never; of a softening: when what stays is gone
 *     32     8  sequence: moves up with every record of a directory, microseconds since the Unix epoch at the least
 *     40        key (UTF-8), value, then the tail:
 *            4  length of the whole record
 *            8  hash of the key
 * ```
 *
 * The tail is for damage: where a head cannot be read, the tails before the next good head still say whose records
 * were lost, so that no older value of those keys comes back.
 */
export const HEAD_BYTES = 40
export const TAIL_BYTES = 12
export const MAX_KEY_BYTES = 4096
/** Records of one batch: the count of those that follow must fit its field. */
export const MAX_BATCH = 65_536
export const NEVER = 0xffff_ffff

export const ENTRY = 1
/** The key is gone. */
export const TOMBSTONE = 2
/** The key's entry became stale. */
export const SOFTENED = 3
/** Whatever came before counts no more: a deletion may have been lost. Notes stay. */
export const BARRIER = 4
export type RecordType = typeof ENTRY | typeof TOMBSTONE | typeof SOFTENED | typeof BARRIER

/** Not an entry of the cache but something its owner must not forget: survives eviction and barriers. */
export const NOTE = 1
export const SOFT = 2
export const HAS_FILE = 4

const MAGIC = 0x31645446

export interface RecordHead {
  readonly type: RecordType
  readonly flags: number
  readonly codec: number
  readonly keyBytes: number
  readonly remaining: number
  readonly valueBytes: number
  readonly rawBytes: number
  readonly expiresAt: number
  readonly sequence: number
}

export function recordBytes(keyBytes: number, valueBytes: number): number {
  return HEAD_BYTES + keyBytes + valueBytes + TAIL_BYTES
}

/** Writes head and tail around a key and a value that already lie in their places. */
export function sealRecord(
  target: Buffer,
  at: number,
  head: RecordHead,
  valueCrc: number,
  { low, high }: { readonly low: number; readonly high: number },
): void {
  writeHead(target, at, head, valueCrc)
  const tailAt = at + HEAD_BYTES + head.keyBytes + head.valueBytes
  target.writeUInt32LE(recordBytes(head.keyBytes, head.valueBytes), tailAt)
  target.writeUInt32LE(low, tailAt + 4)
  target.writeUInt32LE(high, tailAt + 8)
}

/** The head of a record whose key lies in its place, and whose value's checksum is known. */
export function writeHead(target: Buffer, at: number, head: RecordHead, valueCrc: number): void {
  target.writeUInt32LE(MAGIC, at)
  target.writeUInt32LE(valueCrc, at + 8)
  target[at + 12] = head.type
  target[at + 13] = head.flags
  target[at + 14] = head.codec
  target[at + 15] = 0
  target.writeUInt16LE(head.keyBytes, at + 16)
  target.writeUInt16LE(head.remaining, at + 18)
  target.writeUInt32LE(head.valueBytes, at + 20)
  target.writeUInt32LE(head.rawBytes, at + 24)
  target.writeUInt32LE(head.expiresAt, at + 28)
  target.writeUInt32LE(head.sequence % 0x1_0000_0000, at + 32)
  target.writeUInt32LE(Math.floor(head.sequence / 0x1_0000_0000), at + 36)
  target.writeUInt32LE(crc32(target.subarray(at + 8, at + HEAD_BYTES + head.keyBytes)), at + 4)
}

/** The head at an offset, if it and the key are undamaged and the record ends within `bytes`. */
export function readHead(bytes: Buffer, at: number): RecordHead | undefined {
  if (at + HEAD_BYTES + TAIL_BYTES > bytes.length || bytes.readUInt32LE(at) !== MAGIC) return undefined
  const keyBytes = bytes.readUInt16LE(at + 16)
  const valueBytes = bytes.readUInt32LE(at + 20)
  if (keyBytes > MAX_KEY_BYTES || at + recordBytes(keyBytes, valueBytes) > bytes.length) return undefined
  if (crc32(bytes.subarray(at + 8, at + HEAD_BYTES + keyBytes)) !== bytes.readUInt32LE(at + 4)) return undefined
  return {
    type: bytes[at + 12] as RecordType,
    flags: bytes[at + 13]!,
    codec: bytes[at + 14]!,
    keyBytes,
    remaining: bytes.readUInt16LE(at + 18),
    valueBytes,
    rawBytes: bytes.readUInt32LE(at + 24),
    expiresAt: bytes.readUInt32LE(at + 28),
    sequence: bytes.readUInt32LE(at + 32) + bytes.readUInt32LE(at + 36) * 0x1_0000_0000,
  }
}

export function keyOf(bytes: Buffer, at: number, head: RecordHead): string {
  return bytes.toString('utf8', at + HEAD_BYTES, at + HEAD_BYTES + head.keyBytes)
}

/** The value of a record as it lies there, or undefined if it is damaged. */
export function valueAt(bytes: Buffer, at: number, head: RecordHead): Buffer | undefined {
  const from = at + HEAD_BYTES + head.keyBytes
  const value = bytes.subarray(from, from + head.valueBytes)
  return (head.valueBytes === 0 ? 0 : crc32(value)) === bytes.readUInt32LE(at + 8) ? value : undefined
}

/** What the tail that ends at `end` says. */
export function readTail(bytes: Buffer, end: number): { length: number; low: number; high: number } | undefined {
  if (end < TAIL_BYTES) return undefined
  const at = end - TAIL_BYTES
  return { length: bytes.readUInt32LE(at), low: bytes.readUInt32LE(at + 4), high: bytes.readUInt32LE(at + 8) }
}

/** The next place from `from` on where a head may begin, or -1. */
export function nextMagic(bytes: Buffer, from: number): number {
  return bytes.indexOf('FTd1', from, 'latin1')
}
