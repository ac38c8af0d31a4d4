import type { Database } from '../../../../apps/cold-chain/src/database/database.ts'

/** A database that refuses everything while `isBroken` is true. */
export class BreakableDatabase implements Database {
  readonly kind
  readonly description
  isBroken = false
  queries = 0
  readonly #database: Database
  #running = 0

  constructor(database: Database) {
    this.#database = database
    this.kind = database.kind
    this.description = database.description
  }

  get isIdle(): boolean {
    return this.#running === 0
  }

  query: Database['query'] = async (...call) => {
    this.queries += 1
    this.#running += 1
    try {
      this.#check()
      return await this.#database.query(...call)
    } finally {
      this.#running -= 1
    }
  }

  transaction: Database['transaction'] = async (work) => {
    this.#check()
    return this.#database.transaction(work)
  }

  tidy(tables: readonly string[]): Promise<void> {
    return this.#database.tidy(tables)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  #check(): void {
    if (this.isBroken) throw new Error('the database is broken')
  }
}
