import { randomBytes } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'

// Makes the snapshot that pglite-snapshot.ts reads. Written beside its place and renamed, so that nobody reads half of it.
const file = workerData as string
const pglite = await PGlite.create()
const packed = await pglite.dumpDataDir('gzip')
await pglite.close()

await mkdir(dirname(file), { recursive: true })
const unfinished = `${file}.${randomBytes(6).toString('hex')}`
await writeFile(unfinished, new Uint8Array(await packed.arrayBuffer()))
await rename(unfinished, file)
