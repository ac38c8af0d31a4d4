import { existsSync, mkdirSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { lockFolder } from './folder-lock.js'
import { PgliteDatabase } from './pglite-database.js'
import { createPgliteEngine } from './pglite-engine.js'
import { readSnapshot } from './pglite-snapshot.js'
import { startPgliteThread } from './pglite-thread.js'

/** Opens the embedded database in a folder, in a thread of its own; makes it if it isn't there. */
export async function openPgliteFolder(dataDirectory: string, schema: string): Promise<PgliteDatabase> {
  mkdirSync(dataDirectory, { recursive: true })
  const unlock = lockFolder(dataDirectory)
  try {
    const folder = join(dataDirectory, 'postgres')
    if (!existsSync(folder)) await unpackSnapshot(folder)
    const engine = await startPgliteThread({ folder })
    return await PgliteDatabase.open({ engine, schema, description: `PGlite in ${folder}`, released: unlock })
  } catch (error) {
    unlock()
    throw error
  }
}

/** Unpacked beside its place and renamed: who is stopped in the middle leaves nothing that looks like a database. */
async function unpackSnapshot(folder: string): Promise<void> {
  const unfinished = `${folder}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  const engine = await startPgliteThread({ folder: unfinished, snapshot: await readSnapshot() })
  await engine.close()
  await rename(unfinished, folder)
}

/** An embedded database that lives as long as this process, in this thread: for tests. */
export async function openPgliteInMemory(schema: string): Promise<PgliteDatabase> {
  const engine = await createPgliteEngine({ snapshot: await readSnapshot() })
  return PgliteDatabase.open({ engine, schema, description: 'PGlite in memory', released: () => {} })
}
