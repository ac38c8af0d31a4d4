import { type PGlite, parse, protocol } from '@electric-sql/pglite'
import type { Parameter } from './database.js'

const MAX_STATEMENTS = 200
const { serialize } = protocol

type ProtocolMessages = Parameters<typeof parse.parseResults>[0]

/**
 * Statements that PGlite parses and plans once, as `pg` does with a name: its own `query` does both with every call, which
 * takes longer than most of our statements run.
 */
export class PreparedStatements {
  readonly #pglite: PGlite
  readonly #names = new Map<string, string>()
  #prepared = 0

  constructor(pglite: PGlite) {
    this.#pglite = pglite
  }

  async run(sql: string, parameters: readonly Parameter[]): Promise<unknown[]> {
    const statement = this.#names.get(sql) ?? (await this.#prepare(sql))
    if (statement === undefined) return (await this.#pglite.query(sql, [...parameters])).rows
    const messages = await this.#send([
      serialize.bind({ statement, values: parameters.map(toText) }),
      serialize.describe({ type: 'P' }),
      serialize.execute({}),
    ])
    return parse.parseResults(messages, this.#pglite.parsers)[0]?.rows ?? []
  }

  /** The name of a statement, undefined if there are too many already. */
  async #prepare(text: string): Promise<string | undefined> {
    if (this.#names.size >= MAX_STATEMENTS) return undefined
    const name = `statement_${++this.#prepared}`
    await this.#send([serialize.parse({ name, text })])
    this.#names.set(text, name)
    return name
  }

  /** What is sent together ends with a sync: after an error the rest is skipped, and the next call is heard again. */
  async #send(parts: readonly Uint8Array[]): Promise<ProtocolMessages> {
    return (await this.#pglite.execProtocol(Buffer.concat([...parts, serialize.sync()]))).messages
  }
}

function toText(parameter: Parameter): string | null {
  if (parameter === null) return null
  return parameter instanceof Date ? parameter.toISOString() : String(parameter)
}
