import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Takes all files of a directory out of the page cache: `dd` can ask the system for it, Node cannot. */
export function dropFromPageCache(directory) {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const args = [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none']
    const { status, stderr, error } = spawnSync('dd', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`dd could not drop ${file}: ${error?.message ?? stderr}`)
  }
}
