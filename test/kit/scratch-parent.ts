import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const IN_MEMORY = '/dev/shm'
const MIN_FREE_BYTES = 1024 ** 3

/**
 * Where a test makes a directory that lives no longer than the test: in memory where the system has room there, so that a
 * disk that is slow to sync, or busy with others, doesn't decide how long the tests of the disk tier take. A kill loses
 * nothing of either.
 */
export const scratchParent: string = hasRoom() ? IN_MEMORY : tmpdir()

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY)
    return bavail * bsize >= MIN_FREE_BYTES
  } catch {
    return false
  }
}
