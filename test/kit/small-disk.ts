import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Segment } from '../../src/disk/segment.js'

export interface SmallDisk {
  readonly directory: string
  /** A mounted file system, or, where this user may not mount, a limit that the store's own writes meet. */
  readonly kind: 'mounted' | 'limited'
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
      remove: () => {
        spawnSync('umount', ['-l', directory])
        rmSync(directory, { recursive: true, force: true })
      },
    }
  }
  return { directory, kind: 'limited', remove: limitWrites(directory, bytes) }
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
