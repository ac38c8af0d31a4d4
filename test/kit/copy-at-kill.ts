import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A copy of a store's directory as a kill at this moment would leave it, without the lock of the process that goes on. Its
 * threads write meanwhile: a file that they remove or rename during the copy isn't in it.
 */
export function copyAtKill(directory: string, copy: string): void {
  mkdirSync(copy, { recursive: true })
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const from = join(directory, entry.name)
    const to = join(copy, entry.name)
    if (entry.isDirectory()) copyAtKill(from, to)
    else if (entry.name !== 'LOCK') copyUnlessGone(from, to)
  }
}

function copyUnlessGone(from: string, to: string): void {
  try {
    copyFileSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
