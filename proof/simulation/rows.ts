import { History } from '../../test/kit/history.js'
import type { Scenario } from './scenario.js'

export const KEYS = ['a', 'b'] as const
/** Of rows that only aimed calls name; a tag or clear of others may still reach them. */
const AIMED_KEY = 'c'
export type RowKey = (typeof KEYS)[number] | typeof AIMED_KEY

/** How far a replica of the database may be behind. */
export const REPLICA_LAG_MS = 40

const LONG = `#${'.'.repeat(150)}`

interface Version {
  readonly atMs: number
  readonly version: number
  readonly isThere: boolean
}

interface RowRules {
  readonly maxStalenessMs: number
  /** How much older than promised an answer may be, because its fill read a replica. */
  readonly slackMs: number
  /** Every third value is longer. */
  readonly isSized: boolean
  readonly atMs: number
}

/** One row of the database, everything that it was, and what its readers were owed. */
export class Row {
  readonly tenant: string
  readonly key: RowKey
  readonly history: History
  /** A writer is at work on it, or never learned whether it was acknowledged. */
  isBeingWritten = false
  readonly #versions: Version[] = []
  readonly #isSized: boolean

  constructor(tenant: string, key: RowKey, { maxStalenessMs, slackMs, isSized, atMs }: RowRules) {
    this.tenant = tenant
    this.key = key
    this.#isSized = isSized
    this.history = new History(maxStalenessMs, slackMs)
    this.#versions.push({ atMs, version: 1, isThere: true })
  }

  get id(): string {
    return `${this.tenant}/${this.key}`
  }

  get version(): number {
    return this.#versions.at(-1)!.version
  }

  change(atMs: number, isThere: boolean): void {
    this.#versions.push({ atMs, version: this.version + 1, isThere })
  }

  /** The value as the primary has it: it tells whose it is, and which. */
  get value(): string | null {
    return this.#valueOf(this.#versions.at(-1)!)
  }

  /** As a replica has it that is that much behind. */
  valueAt(atMs: number): string | null {
    return this.#valueOf(this.#versions.findLast((one) => one.atMs <= atMs) ?? this.#versions[0]!)
  }

  /** The version that an answer stands for; of "there is none" the newest that was so. Undefined: no version of this row. */
  versionOf(answer: unknown): number | undefined {
    if (answer === null) return this.#versions.findLast(({ isThere }) => !isThere)?.version
    const [id, version] = typeof answer === 'string' ? answer.split('#') : []
    return id === this.id ? Number(version) : undefined
  }

  #valueOf({ version, isThere }: Version): string | null {
    if (!isThere) return null
    return `${this.id}#${version}${this.#isSized && version % 3 === 0 ? LONG : ''}`
  }
}

/** The database: the same keys for every tenant. '' is outside any. */
export class Rows {
  readonly all: readonly Row[]
  /** Those that anybody names. */
  readonly called: readonly Row[]

  constructor({ tenants, aimed }: Scenario, start: RowRules) {
    const keys: readonly RowKey[] = aimed ? [...KEYS, AIMED_KEY] : KEYS
    this.all = Array.from({ length: tenants }, (_, tenant) => (tenant === 0 ? '' : `t${tenant}`)).flatMap((tenant) =>
      keys.map((key) => new Row(tenant, key, start)),
    )
    this.called = this.all.filter(({ key }) => key !== AIMED_KEY)
  }

  get aimed(): readonly Row[] {
    return this.all.filter(({ key }) => key === AIMED_KEY)
  }

  get tenants(): string[] {
    return [...new Set(this.all.map(({ tenant }) => tenant))]
  }

  of(tenant: string): Row[] {
    return this.all.filter((row) => row.tenant === tenant)
  }

  get(tenant: string, key: unknown): Row {
    return this.all.find((row) => row.tenant === tenant && row.key === key)!
  }
}
