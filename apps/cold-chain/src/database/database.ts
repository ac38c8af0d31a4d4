/** Runs SQL. The same statements run on the embedded PostgreSQL and on a real one. */
export interface Queryable {
  query<Row>(sql: string, parameters?: readonly Parameter[], options?: QueryOptions): Promise<Row[]>
}

/** Lists travel as JSON text (`$1::jsonb`), since drivers disagree about arrays. */
export type Parameter = string | number | boolean | null | Date

export interface QueryOptions {
  /** Gives up waiting for a turn; a statement that already runs is not stopped. */
  readonly signal?: AbortSignal
}

export interface Database extends Queryable {
  readonly kind: 'pglite' | 'postgresql'
  /** For people: where the data is. Never a password. */
  readonly description: string
  /** Commits what `work` did, or nothing of it. `work` may run again after a deadlock. */
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>
  /** Does what PostgreSQL's background processes do, where there are none: vacuum, statistics, checkpoint. */
  tidy(tables: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** What the database said, with its SQLSTATE. */
export class DatabaseError extends Error {
  readonly code: string | undefined

  constructor(message: string, code: string | undefined, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'DatabaseError'
    this.code = code
  }
}
