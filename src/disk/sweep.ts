import { opendir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { FILE_NAME } from './value-files.js'

export interface Swept {
  readonly removed: number
}

/**
 * Removes what a crash left behind: files that were never named in the log, and unfinished ones. Only what is older
 * than `before` (a sequence), because the store writes on meanwhile; foreign files stay.
 */
export async function sweep(directory: string, live: readonly string[], before: number): Promise<Swept> {
  const known = new Set(live)
  let removed = 0
  for await (const path of filesIn(join(directory, 'files'), 2)) {
    const match = FILE_NAME.exec(path.replace(/\.tmp$/, '').replace(/^.*[\\/]/, ''))
    if (match === null || known.has(path) || Number.parseInt(match[2]!, 36) > before) continue
    await unlink(path).then(
      () => removed++,
      () => {},
    )
  }
  return { removed }
}

async function* filesIn(path: string, depth: number): AsyncGenerator<string> {
  const directory = await opendir(path).catch(() => undefined)
  if (directory === undefined) return
  for await (const entry of directory) {
    const inside = join(path, entry.name)
    if (entry.isDirectory() && depth > 1) yield* filesIn(inside, depth - 1)
    else if (entry.isFile()) yield inside
  }
}
