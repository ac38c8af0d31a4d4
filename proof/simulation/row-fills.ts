import { definePolicy, type FillContext, type Policy } from '../../src/index.js'
import { REPLICA_LAG_MS, type Row } from './rows.js'
import type { Simulation } from './simulation.js'

export class RowGoneError extends Error {}

/** A value, or a value with what is said of it. */
type Value = string | null

/** The policy of the rows, and how they are read at the database. */
export class RowFills {
  readonly #simulation: Simulation
  readonly policy: Policy<string, Value, true>

  constructor(simulation: Simulation) {
    this.#simulation = simulation
    const { aging, lateTags, replicas, followers } = simulation.scenario
    this.policy = definePolicy({
      name: 'row',
      fill: (key: string, context: FillContext) => this.#fill(this.#row(context.tenant, key), context),
      ttl: aging ? '60ms' : '1h',
      ...(aging
        ? {
            stale: { whileRevalidate: '100ms', ifError: '300ms' },
            refreshAhead: { beta: 2 },
          }
        : {}),
      ...(lateTags ? {} : { tags: (key: string) => tagsOf(key) }),
      ...(replicas ? { replicaLag: { max: `${REPLICA_LAG_MS + 10}ms`, action: 'tell' } as const } : {}),
      coordinate:
        followers === false ? false : { leaseMs: 200, waitMs: 100, pollMinMs: 3, pollMaxMs: 20, onTimeout: followers },
      fillTimeout: { hard: '400ms', ...(aging ? { soft: '30ms' as const } : {}) },
    }) as Policy<string, Value, true>
  }

  /** What a `set` says of its value. */
  get details(): { tags: (key: string) => { tags: string[] } | undefined } {
    return { tags: (key) => (this.#simulation.scenario.lateTags ? { tags: tagsOf(key) } : undefined) }
  }

  /** Several rows at one moment; a row that is gone is left out or said to be. */
  async fillMany(
    keys: readonly string[],
    context: Pick<FillContext, 'tenant' | 'recentlyInvalidated' | 'value'>,
  ): Promise<(readonly [string, Value])[]> {
    const { random, note, sleep } = this.#bound
    await sleep(random.integer(10))
    // One that is left out has no more tags than its policy gives it.
    const leavesOut = !this.#simulation.scenario.lateTags && random.integer(2) === 0
    const values = keys.map((key) => [key, this.#read(this.#row(context.tenant, key), context)] as const)
    note(`  a fill reads ${values.map(([key, value]) => `${key} as ${value}`).join(', ')}`)
    await sleep(random.integer(10))
    return values
      .filter(([, value]) => value !== null || !leavesOut)
      .map(([key, value]) => [key, this.#told(key, value, context) as Value])
  }

  /** Reads the row at one moment between its start and its end. */
  async #fill(row: Row, context: FillContext): Promise<Value> {
    const { random, note, sleep } = this.#bound
    const isSlow = this.#simulation.suffers('slow-fill') && random.integer(5) === 0
    await sleep(random.integer(isSlow ? 450 : 15))
    const value = this.#read(row, context)
    note(`  a fill reads ${row.id} as ${value}`)
    if (this.#simulation.suffers('failing-fill') && random.integer(5) === 0) throw new RowGoneError()
    await sleep(random.integer(isSlow ? 450 : 15))
    return this.#told(row.key, value, context) as Value
  }

  #read(row: Row, { recentlyInvalidated }: Pick<FillContext, 'recentlyInvalidated'>): Value {
    const { scenario, random, time } = this.#simulation
    if (!scenario.replicas || recentlyInvalidated) return row.value
    return row.valueAt(time.now() - random.integer(REPLICA_LAG_MS))
  }

  #told(key: string, value: Value, context: Pick<FillContext, 'value'>): unknown {
    return this.#simulation.scenario.lateTags ? context.value(value, { tags: tagsOf(key) }) : value
  }

  #row(tenant: string, key: string): Row {
    return this.#simulation.rows.get(tenant, key)
  }

  get #bound() {
    const { random } = this.#simulation
    return {
      random,
      note: (what: string) => this.#simulation.note(what),
      sleep: (ms: number) => this.#simulation.sleep(ms),
    }
  }
}

export function tagsOf(key: string): string[] {
  return ['all', `one-${key}`]
}
