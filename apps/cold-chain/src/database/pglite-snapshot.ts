import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { threadFile } from './thread-file.js'

/**
 * An empty cluster, packed (4.5 MB). Making one takes 5 s and 800 MB of memory, unpacking it takes 1 s: so it is made once
 * for each version of PGlite, in a thread that ends and gives the memory back, and every new database begins with it.
 */
export async function readSnapshot(): Promise<Uint8Array> {
  const file = snapshotFile()
  try {
    return await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  await once(new Worker(threadFile('pglite-snapshot-worker.js'), { workerData: file, execArgv: [] }), 'exit')
  return readFile(file)
}

function snapshotFile(): string {
  const packageFile = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
  return fileURLToPath(new URL(`../../.cache/pglite-${version}.tar.gz`, import.meta.url))
}
