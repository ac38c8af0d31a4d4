import type { Settings } from '../settings.js'
import type { Database } from './database.js'
import { openPgliteFolder } from './open-pglite.js'
import { PostgresDatabase } from './postgres-database.js'

/** The real PostgreSQL of `DATABASE_URL`, or the embedded one in the data folder. */
export function openDatabase({ databaseUrl, databaseSchema, dataDirectory }: Settings): Promise<Database> {
  return databaseUrl === undefined
    ? openPgliteFolder(dataDirectory, databaseSchema)
    : PostgresDatabase.open(databaseUrl, databaseSchema)
}
