import { PGlite, type PGliteOptions } from '@electric-sql/pglite'
import type { Parameter } from './database.js'
import { PreparedStatements } from './prepared-statements.js'

export interface PgliteEngineOptions {
  /** Folder of the cluster; none = in memory only. */
  readonly folder?: string | undefined
  /** A dumped cluster to begin with, if the folder has none yet. */
  readonly snapshot?: Uint8Array | undefined
}

/** The embedded PostgreSQL, one statement at a time. A statement blocks the thread it runs in. */
export interface PgliteEngine {
  run(sql: string, parameters: readonly Parameter[]): Promise<unknown[]>
  close(): Promise<void>
}

export async function createPgliteEngine({ folder, snapshot }: PgliteEngineOptions): Promise<PgliteEngine> {
  const options: PGliteOptions = {}
  if (folder !== undefined) options.dataDir = folder
  if (snapshot !== undefined) options.loadDataDir = new Blob([new Uint8Array(snapshot)])
  const pglite = await PGlite.create(options)
  const statements = new PreparedStatements(pglite)
  return {
    async run(sql, parameters) {
      if (parameters.length > 0) return statements.run(sql, parameters)
      return (await pglite.exec(sql)).at(-1)?.rows ?? []
    },
    close: () => pglite.close(),
  }
}
