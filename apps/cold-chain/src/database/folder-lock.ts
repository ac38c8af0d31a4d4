import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Another process works in this data folder. Two at once would destroy it: the embedded database has no such check. */
export class FolderInUseError extends Error {
  constructor(folder: string, pid: number, file: string) {
    super(
      `The data folder ${folder} is in use by process ${pid}. Stop that one, or give this one another folder with DATA_DIR. ` +
        `(If process ${pid} is something else, remove ${file}.)`,
    )
    this.name = 'FolderInUseError'
  }
}

/** Locks of this process: a file with our own id that isn't among them was left by a container that counted from 1 again. */
const held = new Set<string>()

/** Takes the folder for this process and returns what gives it back. A lock left by a killed process is taken over. */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'lock')
  for (let attempt = 1; ; attempt += 1) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      held.add(file)
      return () => release(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 3) throw error
    }
    const pid = Number(readFileSync(file, 'utf8'))
    if (isHeld(file, pid)) throw new FolderInUseError(folder, pid, file)
    rmSync(file, { force: true })
  }
}

function release(file: string): void {
  if (held.delete(file)) rmSync(file, { force: true })
}

function isHeld(file: string, pid: number): boolean {
  if (pid === process.pid) return held.has(file)
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
