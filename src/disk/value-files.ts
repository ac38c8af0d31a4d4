import { mkdir, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { FileRef } from './hint.js'
import { HEAD_BYTES, keyOf, type RecordHead, readHead, recordBytes, TAIL_BYTES, writeHead } from './record.js'
import { removeFile, syncDirectory } from './segment.js'

/** Checksums and writes of large values go in pieces of this size, so that the loop breathes in between. */
const PIECE_BYTES = 512 * 1024

export const MAX_PARTITIONS = 256
export const FILE_NAME = /^([0-9a-f]{16})-([0-9a-z]+)\.value$/

/** What a value's own file holds beside the value. */
export interface FileContent {
  readonly head: RecordHead
  readonly key: string
  readonly value: Buffer
}

/**
 * Values that are too large for the log, each in a file of its own: one record, written under a temporary name and
 * renamed when it is whole, in one of up to 256 directories by the key's hash. A file is never changed, only replaced
 * by one of another name.
 */
export class ValueFiles {
  readonly #directory: string
  readonly #syncs: boolean
  /** Directories that were made or seen. */
  readonly #known = new Set<string>()

  constructor(directory: string, { syncs }: { syncs: boolean }) {
    this.#directory = directory
    this.#syncs = syncs
  }

  path(low: number, high: number, { id, partition }: FileRef): string {
    return join(this.#directory, partitionName(partition), fileName(low, high, id))
  }

  /** Rejects with what the file system said; then nothing is left of it. */
  async write(path: string, head: RecordHead, key: string, value: Buffer): Promise<void> {
    const temporary = `${path}.tmp`
    await this.#makeDirectory(dirname(path))
    try {
      await this.#writeWhole(temporary, head, key, value)
      await rename(temporary, path)
      if (this.#syncs) await syncDirectory(dirname(path))
    } catch (error) {
      await removeFile(temporary)
      // Somebody may have removed the directory.
      this.#known.delete(dirname(path))
      throw error
    }
  }

  async #writeWhole(path: string, head: RecordHead, key: string, value: Buffer): Promise<void> {
    const front = Buffer.allocUnsafe(HEAD_BYTES + head.keyBytes)
    front.write(key, HEAD_BYTES, 'utf8')
    const file = await open(path, 'w')
    try {
      let crc = 0
      let at = front.length
      for (const piece of inPieces(value)) {
        crc = crc32(piece, crc)
        await writeAll(file, piece, at)
        at += piece.length
      }
      const tail = Buffer.alloc(TAIL_BYTES)
      tail.writeUInt32LE(recordBytes(head.keyBytes, value.length) % 0x1_0000_0000, 0)
      await writeAll(file, tail, at)
      writeHead(front, 0, head, crc)
      await writeAll(file, front, 0)
      if (this.#syncs) await file.datasync()
    } finally {
      await file.close()
    }
  }

  /** Undefined for a file that is gone. Rejects with device errors. */
  async read(path: string, bytes: number): Promise<FileContent | 'damaged' | undefined> {
    const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
      throw error
    })
    if (file === undefined) return undefined
    try {
      const content = Buffer.allocUnsafe(bytes)
      let crc = 0
      let summed = 0
      for (let at = 0; at < bytes; ) {
        const { bytesRead } = await file.read(content, at, Math.min(bytes - at, PIECE_BYTES * 2), at)
        if (bytesRead === 0) return 'damaged'
        at += bytesRead
        if (at < HEAD_BYTES) continue
        // In step with the reads, so that no turn of the loop sums up a large value at once.
        const from = Math.max(summed, valueStart(content))
        const to = Math.min(at, bytes - TAIL_BYTES)
        if (from >= to) continue
        crc = crc32(content.subarray(from, to), crc)
        summed = to
      }
      return checked(content, crc) ?? 'damaged'
    } finally {
      await file.close()
    }
  }

  remove(path: string): Promise<boolean> {
    return removeFile(path)
  }

  async #makeDirectory(path: string): Promise<void> {
    if (this.#known.has(path)) return
    await mkdir(path, { recursive: true })
    if (this.#syncs) await syncDirectory(dirname(path))
    this.#known.add(path)
  }
}

export function partitionName(partition: number): string {
  return partition.toString(16).padStart(2, '0')
}

function fileName(low: number, high: number, id: number): string {
  const hash = high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
  return `${hash}-${id.toString(36)}.value`
}

function* inPieces(value: Buffer): Generator<Buffer> {
  for (let from = 0; from < value.length; from += PIECE_BYTES) yield value.subarray(from, from + PIECE_BYTES)
}

async function writeAll(
  file: { write(bytes: Buffer, from: number, length: number, at: number): Promise<{ bytesWritten: number }> },
  bytes: Buffer,
  at: number,
): Promise<void> {
  const { bytesWritten } = await file.write(bytes, 0, bytes.length, at)
  if (bytesWritten < bytes.length) {
    throw Object.assign(new Error(`${bytesWritten} of ${bytes.length} bytes were written`), { code: 'ENOSPC' })
  }
}

/** A whole file's record, whose value has this checksum. */
function checked(bytes: Buffer, crc: number): FileContent | undefined {
  const head = readHead(bytes, 0)
  if (head === undefined || recordBytes(head.keyBytes, head.valueBytes) !== bytes.length) return undefined
  if (crc !== bytes.readUInt32LE(8)) return undefined
  return { head, key: keyOf(bytes, 0, head), value: bytes.subarray(valueStart(bytes), bytes.length - TAIL_BYTES) }
}

/** Where the value begins: the head says how long the key is. */
function valueStart(bytes: Buffer): number {
  return HEAD_BYTES + bytes.readUInt16LE(16)
}
