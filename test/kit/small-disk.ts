import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Segment } from '../../src/disk/segment.js'

export interface SmallDisk {
  readonly directory: string
  /** A mounted file system, or, where this user may not mount, a limit that the store's own writes meet. */
  readonly kind: 'mounted' | 'limited'
  /** While no file of it is open for writing. */
  makeReadOnly(): void
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
      remove: () => {
        spawnSync('umount', ['-l', directory])
        rmSync(directory, { recursive: true, force: true })
      },
    }
  }
  return { directory, kind: 'limited', makeReadOnly, remove: limitWrites(directory, bytes) }
}

function makeReadOnly(): void {
  const code = 'EROFS'
  Segment.prototype.write = () => Promise.reject(Object.assign(new Error('read-only file system'), { code }))
}

function limitWrites(directory: string, bytes: number): () => void {
  const { write, leave } = Segment.prototype
  const sizes = new Map<Segment, number>()
  Segment.prototype.write = function (this: Segment, content, length, offset) {
    let used = 0
    for (const [segment, size] of sizes) if (segment !== this) used += size
    if (used + offset + length > bytes) {
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
