import type { Database, Parameter, Queryable, QueryOptions } from './database.js'
import type { PgliteEngine } from './pglite-engine.js'
import { Turns } from './turns.js'

export interface PgliteDatabaseOptions {
  readonly engine: PgliteEngine
  readonly schema: string
  readonly description: string
  /** Called once the engine is closed. */
  readonly released: () => void
}

const MAX_WAITING = 10_000

/** The embedded PostgreSQL has one connection: statements take turns, and a transaction is one turn. */
export class PgliteDatabase implements Database {
  readonly kind = 'pglite'
  readonly description: string
  readonly #engine: PgliteEngine
  readonly #released: () => void
  readonly #turns = new Turns(MAX_WAITING)
  #closing: Promise<void> | undefined

  static async open(options: PgliteDatabaseOptions): Promise<PgliteDatabase> {
    await options.engine.run(`CREATE SCHEMA IF NOT EXISTS ${options.schema}`, [])
    await options.engine.run(`SET search_path TO ${options.schema}`, [])
    return new PgliteDatabase(options)
  }

  private constructor({ engine, description, released }: PgliteDatabaseOptions) {
    this.#engine = engine
    this.description = description
    this.#released = released
  }

  query<Row>(sql: string, parameters: readonly Parameter[] = [], options: QueryOptions = {}): Promise<Row[]> {
    return this.#turns.run(() => this.#run<Row>(sql, parameters), options.signal)
  }

  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    return this.#turns.run(async () => {
      await this.#run('BEGIN')
      try {
        const result = await work({ query: (sql, parameters) => this.#run(sql, parameters) })
        await this.#run('COMMIT')
        return result
      } catch (error) {
        await this.#run('ROLLBACK')
        throw error
      }
    })
  }

  /** One statement at a time, so that nobody waits for all of them. */
  async tidy(tables: readonly string[]): Promise<void> {
    for (const table of tables) await this.query(`VACUUM (ANALYZE) ${table}`)
    await this.query('CHECKPOINT')
  }

  close(): Promise<void> {
    this.#closing ??= this.#turns.run(async () => {
      try {
        await this.#engine.close()
      } finally {
        this.#released()
      }
    })
    return this.#closing
  }

  #run<Row>(sql: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    return this.#engine.run(sql, parameters) as Promise<Row[]>
  }
}
