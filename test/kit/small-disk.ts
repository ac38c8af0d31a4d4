import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Segment } from '../../src/disk/segment.js'

export interface SmallDisk {
  readonly directory: string
  /** A mounted file system, or, where this user may not mount, a limit that the store's own writes meet. */
  readonly kind: 'mounted' | 'limited'
  /** While no file of it is open for writing. */
  makeReadOnly(): void
  /** Something else takes what is left of it, until the function that is returned is called. */
  fill(): () => void
  remove(): void
}

/** A directory on a disk of so many bytes. */
export function smallDisk(bytes: number): SmallDisk {
  const directory = mkdtempSync(join(tmpdir(), 'freshtier-small-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory])
  if (status === 0) {
    return {
      directory,
      kind: 'mounted',
      makeReadOnly: () => {
        const { status, stderr } = spawnSync('mount', ['-o', 'remount,ro', directory], { encoding: 'utf8' })
        if (status !== 0) throw new Error(stderr)
      },
      fill: () => fillWithFile(join(directory, 'of-others')),
      remove: () => {
        spawnSync('umount', ['-l', directory])
        rmSync(directory, { recursive: true, force: true })
      },
    }
  }
  const limit = { bytes }
  const remove = limitWrites(directory, limit)
  const fill = (): (() => void) => {
    limit.bytes = 0
    return () => {
      limit.bytes = bytes
    }
  }
  return { directory, kind: 'limited', makeReadOnly, fill, remove }
}

function makeReadOnly(): void {
  const code = 'EROFS'
  Segment.prototype.write = () => Promise.reject(Object.assign(new Error('read-only file system'), { code }))
}

function fillWithFile(path: string): () => void {
  const chunk = Buffer.alloc(64 * 1024, 1)
  const file = openSync(path, 'w')
  try {
    for (;;) writeSync(file, chunk)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(file)
  }
  return () => rmSync(path)
}

function limitWrites(directory: string, limit: { readonly bytes: number }): () => void {
  const { write, leave } = Segment.prototype
  const sizes = new Map<Segment, number>()
  Segment.prototype.write = function (this: Segment, content, length, offset) {
    let used = 0
    for (const [segment, size] of sizes) if (segment !== this) used += size
    if (used + offset + length > limit.bytes) {
      return Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
    }
    sizes.set(this, offset + length)
    return write.call(this, content, length, offset)
  }
  Segment.prototype.leave = function (this: Segment, options) {
    sizes.delete(this)
    return leave.call(this, options)
  }
  return () => {
    Object.assign(Segment.prototype, { write, leave })
    rmSync(directory, { recursive: true, force: true })
  }
}
