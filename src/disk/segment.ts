import { close, existsSync, fdatasync, ftruncate, open, readdirSync, unlink, write } from 'node:fs'
import { HintRows } from './hint.js'
import { pooledRead } from './pooled-read.js'

/** Fewer bytes were written than given: the disk is full, or the file met a limit. */
export class ShortWrite extends Error {
  readonly code = 'ENOSPC'
}

/** One file of the log. Its descriptor stays open until nobody reads and it was left. */
export class Segment {
  readonly id: number
  /** How the index names it. */
  readonly slot: number
  readonly path: string
  readonly #fd: number
  #readers = 0
  #isLeft = false
  #isClosed = false
  /** Bytes of whole records. */
  bytes: number
  /** Bytes of records, and of the files they name, that the index still points to. */
  liveBytes = 0
  /** Bytes of those of these records that were used since they were written. */
  usedBytes = 0
  /** Bytes of the files that its records named when they were written. */
  fileBytes = 0
  tombstones = 0
  hasBarrier = false
  isSynced: boolean
  /** Kept while records are added; undefined once sealed. */
  rows: HintRows | undefined

  constructor(place: { id: number; slot: number; path: string; fd: number }, bytes: number) {
    this.id = place.id
    this.slot = place.slot
    this.path = place.path
    this.#fd = place.fd
    this.bytes = bytes
    this.isSynced = bytes > 0
    this.rows = bytes > 0 ? undefined : new HintRows()
  }

  /** As many bytes as there are, if the file ends before. */
  read(offset: number, length: number): Promise<Buffer> {
    this.#readers++
    const into = Buffer.allocUnsafe(length)
    return new Promise((resolve, reject) => {
      pooledRead(this.#fd, into, offset, (error, count) => {
        this.#readers--
        if (this.#isLeft) this.#closeWhenIdle()
        if (error) reject(error)
        else resolve(count === length ? into : into.subarray(0, count))
      })
    })
  }

  write(bytes: Buffer, length: number, offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      write(this.#fd, bytes, 0, length, offset, (error, count) => {
        this.isSynced = false
        if (error) reject(error)
        else if (count < length) reject(new ShortWrite(`${count} of ${length} bytes were written`))
        else resolve()
      })
    })
  }

  /** Forgets what a failed write left behind the last whole record. */
  truncate(): Promise<void> {
    return new Promise((resolve, reject) => {
      ftruncate(this.#fd, this.bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  async sync(): Promise<void> {
    if (this.isSynced) return
    await new Promise<void>((resolve, reject) => {
      fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()))
    })
    this.isSynced = true
  }

  /** Closes it after its last reader; with `remove`, its files go at once. False: they did not. */
  async leave({ remove }: { remove: boolean }): Promise<boolean> {
    this.#isLeft = true
    const isGone = !remove || (await removeFile(this.path))
    if (remove) await removeFile(hintPath(this.path))
    this.#closeWhenIdle()
    return isGone
  }

  #closeWhenIdle(): void {
    if (this.#readers > 0 || this.#isClosed) return
    // Once: its number may be another file's right afterwards.
    this.#isClosed = true
    close(this.#fd, () => {})
  }
}

export function openFile(path: string, flags: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, (error, fd) => (error ? reject(error) : resolve(fd)))
  })
}

/** A file that is not there any more is as good as removed. */
export function removeFile(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    unlink(path, (error) => resolve(!error || error.code === 'ENOENT'))
  })
}

export function hintPath(segmentPath: string): string {
  return segmentPath.replace(/\.log$/, '.hint')
}

export function segmentName(id: number): string {
  return `seg-${String(id).padStart(8, '0')}.log`
}

/** Of a log's directory, by age; `foreign`: names of what is called like a segment and is no file. */
export function segmentsIn(directory: string): { readonly ids: number[]; readonly foreign: string[] } {
  const ids: number[] = []
  const foreign: string[] = []
  for (const entry of existsSync(directory) ? readdirSync(directory, { withFileTypes: true }) : []) {
    const digits = SEGMENT_NAME.exec(entry.name)?.[1]
    if (digits === undefined) continue
    if (entry.isFile()) ids.push(Number(digits))
    else foreign.push(entry.name)
  }
  return { ids: ids.sort((a, b) => a - b), foreign }
}

const SEGMENT_NAME = /^seg-(\d{8,})\.log$/
