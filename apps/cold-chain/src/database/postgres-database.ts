import pg from 'pg'
import { type Database, DatabaseError, type Parameter, type Queryable, type QueryOptions } from './database.js'

const INT8 = 20
/** The transaction lost against another one and may simply be run again. */
const LOST = new Set(['40001', '40P01'])
const ATTEMPTS = 3

/** A real PostgreSQL through a pool of `pg`. */
export class PostgresDatabase implements Database {
  readonly kind = 'postgresql'
  readonly description: string
  readonly #pool: pg.Pool
  #closing: Promise<void> | undefined

  static async open(url: string, schema: string): Promise<PostgresDatabase> {
    const database = new PostgresDatabase(url, schema)
    try {
      await database.#createSchema(schema)
    } catch (error) {
      await database.close()
      throw error
    }
    return database
  }

  private constructor(url: string, schema: string) {
    this.#pool = new pg.Pool({
      connectionString: url,
      max: 10,
      connectionTimeoutMillis: 5_000,
      statement_timeout: 30_000,
      options: `-c search_path=${schema}`,
      // Counts and versions fit a number; as text they would compare wrongly.
      types: { getTypeParser: (oid, format) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) },
    })
    // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
    this.#pool.on('error', () => {})
    const { hostname, port, pathname } = new URL(url)
    this.description = `PostgreSQL at ${hostname}:${port || 5432}${pathname}`
  }

  async query<Row>(sql: string, parameters: readonly Parameter[] = [], options: QueryOptions = {}): Promise<Row[]> {
    options.signal?.throwIfAborted()
    return run<Row>(this.#pool, sql, parameters)
  }

  async transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(work)
      } catch (error) {
        const lost = error instanceof DatabaseError && error.code !== undefined && LOST.has(error.code)
        if (!lost || attempt === ATTEMPTS) throw error
      }
    }
  }

  /** PostgreSQL does so by itself. */
  async tidy(): Promise<void> {}

  close(): Promise<void> {
    this.#closing ??= this.#pool.end()
    return this.#closing
  }

  async #attempt<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch(toDatabaseError)
    let broken: Error | undefined
    try {
      await run(client, 'BEGIN', [])
      const result = await work({ query: (sql, parameters = []) => run(client, sql, parameters) })
      await run(client, 'COMMIT', [])
      return result
    } catch (error) {
      await run(client, 'ROLLBACK', []).catch((failure: Error) => {
        broken = failure
      })
      throw error
    } finally {
      client.release(broken)
    }
  }

  /** Two processes that start at once: `IF NOT EXISTS` alone can still collide in the catalog. */
  async #createSchema(schema: string): Promise<void> {
    await this.transaction(async (transaction) => {
      await transaction.query("SELECT pg_advisory_xact_lock(hashtext('cold-chain schema'))")
      await transaction.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
    })
  }
}

async function run<Row>(
  target: pg.Pool | pg.PoolClient,
  sql: string,
  parameters: readonly Parameter[],
): Promise<Row[]> {
  const result = await target.query(sql, [...parameters]).catch(toDatabaseError)
  return result.rows as Row[]
}

function toDatabaseError(error: Error & { code?: string }): never {
  throw new DatabaseError(error.message || `The database cannot be reached (${error.code}).`, error.code, {
    cause: error,
  })
}
