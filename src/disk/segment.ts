import { close, existsSync, fdatasync, ftruncate, open, readdirSync, truncate, unlink, write } from 'node:fs'
import { open as openHandle } from 'node:fs/promises'
import { HintRows } from './hint.js'
import { pooledRead } from './pooled-read.js'

/** Fewer bytes were written than given: the disk is full, or the file met a limit. */
export class ShortWrite extends Error {
  readonly code = 'ENOSPC'
}

/** One file of the log. Its descriptor stays open until nobody uses it and it was left. */
export class Segment {
  readonly id: number
  /** How the index names it. */
  readonly slot: number
  readonly path: string
  readonly #fd: number
  /** Calls that need its descriptor. */
  #users = 0
  #isLeft = false
  #isClosed = false
  #cutting = Promise.resolve()
  /** Bytes of whole records. */
  bytes: number
  /** Bytes of records, and of the files they name, that the index still points to. */
  liveBytes = 0
  /** Bytes of those of these records that were used since they were written. */
  usedBytes = 0
  /** Bytes of the files that its records named when they were written. */
  fileBytes = 0
  hasBarrier = false
  /** Something in it could not be read, or not be cut off: no part of it may go before the rest. */
  goesWhole = false
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
    this.#users++
    const into = Buffer.allocUnsafe(length)
    return new Promise((resolve, reject) => {
      pooledRead(this.#fd, into, offset, (error, count) => {
        this.#used()
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

  /** Forgets what lies behind the last whole record. */
  truncate(): Promise<void> {
    return new Promise((resolve, reject) => {
      ftruncate(this.#fd, this.bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  /**
   * Gives back what lies behind so many bytes, which the index does not name any more; settles when the file ends there.
   * A read of it that is under way ends there, too. By its path: whoever adopted it opened it for reading only.
   */
  cut(bytes: number): Promise<void> {
    this.bytes = bytes
    // One after the other: a cut that is overtaken by a later one would make the file longer again.
    this.#cutting = this.#cutting.then(() => this.#cutFile())
    return this.#cutting
  }

  #cutFile(): Promise<void> {
    return new Promise((resolve, reject) => {
      truncate(this.path, this.bytes, (error) => {
        this.isSynced = false
        if (error && !this.#isLeft) reject(error)
        else resolve()
      })
    })
  }

  async sync(): Promise<void> {
    if (this.isSynced || this.#isLeft) return
    this.#users++
    await new Promise<void>((resolve, reject) => {
      fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()))
    }).finally(() => this.#used())
    this.isSynced = true
  }

  #used(): void {
    this.#users--
    if (this.#isLeft) this.#closeWhenIdle()
  }

  /** Closes it after its last user; with `remove`, its files go at once. False: they did not. */
  async leave({ remove }: { remove: boolean }): Promise<boolean> {
    this.#isLeft = true
    const isGone = !remove || (await removeFile(this.path))
    if (remove) await removeFile(hintPath(this.path))
    this.#closeWhenIdle()
    return isGone
  }

  #closeWhenIdle(): void {
    if (this.#users > 0 || this.#isClosed) return
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

/** Files that were made or removed in it are so after a power cut, too. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await openHandle(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

export function hintPath(segmentPath: string): string {
  return segmentPath.replace(/\.log$/, '.hint')
}

export function segmentName(id: number): string {
  return `seg-${String(id).padStart(8, '0')}.log`
}

/** Of a log's directory, by age; `foreign`: names of what is called like a segment or a hint and is no file. */
export function segmentsIn(directory: string): { readonly ids: number[]; readonly foreign: string[] } {
  const ids: number[] = []
  const foreign: string[] = []
  for (const entry of existsSync(directory) ? readdirSync(directory, { withFileTypes: true }) : []) {
    const digits = SEGMENT_NAME.exec(entry.name)?.[1]
    if (digits === undefined && !HINT_NAME.test(entry.name)) continue
    if (!entry.isFile()) foreign.push(entry.name)
    else if (digits !== undefined) ids.push(Number(digits))
  }
  return { ids: ids.sort((a, b) => a - b), foreign }
}

export const HINT_NAME = /^seg-\d{8,}\.hint$/
const SEGMENT_NAME = /^seg-(\d{8,})\.log$/
