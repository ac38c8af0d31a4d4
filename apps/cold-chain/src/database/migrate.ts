import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Database, Queryable } from './database.js'

interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
  readonly checksum: string
}

const FOLDER = new URL('../../migrations/', import.meta.url)

/**
 * Brings the schema up to date, each numbered file of `migrations/` once and in its own transaction. Processes that start
 * at the same time take turns at the lock; an applied file that was edited since is refused.
 */
export async function migrate(database: Database): Promise<void> {
  await database.transaction(async (transaction) => {
    await lock(transaction)
    await transaction.query(
      'CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text, checksum text, applied_at timestamptz DEFAULT now())',
    )
  })
  for (const migration of readMigrations()) {
    await database.transaction(async (transaction) => {
      await lock(transaction)
      await apply(transaction, migration)
    })
  }
}

async function lock(transaction: Queryable): Promise<void> {
  await transaction.query("SELECT pg_advisory_xact_lock(hashtext('cold-chain migrations'), hashtext(current_schema()))")
}

async function apply(transaction: Queryable, { number, name, sql, checksum }: Migration): Promise<void> {
  const [applied] = await transaction.query<{ checksum: string }>('SELECT checksum FROM migrations WHERE number = $1', [
    number,
  ])
  if (applied === undefined) {
    await transaction.query(sql)
    await transaction.query('INSERT INTO migrations (number, name, checksum) VALUES ($1, $2, $3)', [
      number,
      name,
      checksum,
    ])
  } else if (applied.checksum !== checksum) {
    throw new Error(`Migration ${name} was edited after it had been applied. Undo the edit and write a new migration.`)
  }
}

function readMigrations(): Migration[] {
  const names = readdirSync(FOLDER).filter((name) => /^\d{4}-.+\.sql$/.test(name))
  return names.sort().map((name) => {
    const sql = readFileSync(new URL(name, FOLDER), 'utf8')
    return { number: Number(name.slice(0, 4)), name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
  })
}
