import { type FileRef, HintRows } from './hint.js'
import { KeyHash } from './key-hash.js'
import {
  BARRIER,
  HAS_FILE,
  HEAD_BYTES,
  keyOf,
  NOTE,
  nextMagic,
  type RecordHead,
  readHead,
  readTail,
  recordBytes,
  TOMBSTONE,
  valueAt,
} from './record.js'

/** What a walk over a segment's bytes found. */
export interface Scan {
  readonly rows: HintRows
  /** Records that were there once and cannot be read. */
  readonly damaged: number
}

/** Bytes of the value that names a value's own file. */
export const FILE_REF_BYTES = 14

export function encodeFileRef({ id, bytes, partition }: FileRef): Buffer {
  const value = Buffer.allocUnsafe(FILE_REF_BYTES)
  value.writeDoubleLE(id, 0)
  value.writeUInt32LE(bytes, 8)
  value.writeUInt16LE(partition, 12)
  return value
}

export function decodeFileRef(value: Buffer): FileRef | undefined {
  if (value.length !== FILE_REF_BYTES) return undefined
  return { id: value.readDoubleLE(0), bytes: value.readUInt32LE(8), partition: value.readUInt16LE(12) }
}

/**
 * Reads a segment without its hint.
 *
 * ```
 *  good head ── value good ──► row              value damaged ──► tombstone of its key
 *      │
 *  no head here ──► next good head ── tails in between say which keys ──► a tombstone each
 *                        │                └── they do not ──► barrier: nothing older may answer
 *                        └── none: a torn write at the end; dropped, with the batch it was part of
 * ```
 */
export function scanSegment(bytes: Buffer): Scan {
  const rows = new HintRows()
  const hash = new KeyHash()
  let damaged = 0
  let sequence = 0
  /** Records of the present batch that must still come by. */
  let expected = 0
  /** Rows of a batch whose last record did not come by yet. */
  let open: Parameters<HintRows['add']>[0][] = []
  const lose = (low: number, high: number, type: typeof TOMBSTONE | typeof BARRIER): void => {
    damaged++
    open.push({
      low,
      high,
      offset: 0,
      length: 0,
      expiresAt: 0,
      type,
      flags: 0,
      remaining: 0,
      sequence,
      file: undefined,
    })
  }
  for (let at = 0; at < bytes.length; ) {
    const head = readHead(bytes, at)
    if (head === undefined) {
      const next = nextHead(bytes, at + 1)
      const lost = keysBetween(bytes, at, next ?? bytes.length)
      if (next === undefined) {
        // A torn batch is as if it had never been; one whose last records are there, but damaged, is not torn.
        const isWhole = lost !== undefined && lost.length >= expected
        if (isWhole) expected = 0
        else open = open.filter(({ length }) => length === 0)
        for (const { low, high } of lost ?? []) lose(low, high, TOMBSTONE)
        break
      }
      if (lost === undefined) lose(0, 0, BARRIER)
      for (const { low, high } of lost ?? []) lose(low, high, TOMBSTONE)
      at = next
      continue
    }
    const length = recordBytes(head.keyBytes, head.valueBytes)
    const { low, high } = hash.of(keyOf(bytes, at, head))
    sequence = head.sequence
    const value = valueAt(bytes, at, head)
    const file = value && fileOf(head, value)
    const isLost = value === undefined || (head.flags & HAS_FILE && file === undefined)
    if (isLost) lose(low, high, head.flags & NOTE ? BARRIER : TOMBSTONE)
    else {
      const { type, flags, remaining, expiresAt } = head
      open.push({ low, high, offset: at, length, expiresAt, type, flags, remaining, sequence, file })
    }
    at += length
    expected = head.remaining
    if (expected > 0) continue
    for (const row of open) rows.add(row)
    open = []
  }
  for (const row of open) if (expected === 0 || row.length === 0) rows.add(row)
  return { rows, damaged }
}

function fileOf(head: RecordHead, value: Buffer): FileRef | undefined {
  return head.flags & HAS_FILE ? decodeFileRef(value) : undefined
}

function nextHead(bytes: Buffer, from: number): number | undefined {
  for (let at = nextMagic(bytes, from); at >= 0 && at + HEAD_BYTES <= bytes.length; at = nextMagic(bytes, at + 1)) {
    if (readHead(bytes, at) !== undefined) return at
  }
  return undefined
}

/** Whose records lay between two places, told by their tails from the last to the first; undefined if they do not. */
function keysBetween(bytes: Buffer, from: number, to: number): { low: number; high: number }[] | undefined {
  const found: { low: number; high: number }[] = []
  for (let end = to; end > from; ) {
    const tail = readTail(bytes.subarray(from, end), end - from)
    if (tail === undefined || tail.length < recordBytes(0, 0) || end - tail.length < from) return undefined
    // A note's or a barrier's: what it said concerns other keys than its own.
    if (tail.low === 0 && tail.high === 0) return undefined
    found.push(tail)
    end -= tail.length
  }
  return found
}
