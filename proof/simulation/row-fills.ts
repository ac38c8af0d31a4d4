import { definePolicy, type FillContext, type Policy } from '../../src/index.js'
import { REPLICA_LAG_MS, type Row } from './rows.js'
import type { Simulation } from './simulation.js'

/** Longest time of a fill, of a stale value, and of the mark that a delete leaves. */
const FILL_MS = 400
export const STALE_MS = 300
const MARKED_MS = REPLICA_LAG_MS + 10
/** So long a lease may outlive its fill: a commit that is late is still obeyed. */
const LEASE_MS = 200

/**
 * How old an answer may be beyond its bound where fills read a replica and are not told: the replica's lag, the fill, its
 * commit on its way, and what is left of a life that was cut to the lag.
 */
export const REPLICA_SLACK_MS = REPLICA_LAG_MS + FILL_MS + LEASE_MS + MARKED_MS

export class RowGoneError extends Error {}

/** A value, or a value with what is said of it. */
type Value = string | null

/** The policy of the rows, and how they are read at the database. */
export class RowFills {
  readonly #simulation: Simulation
  readonly policy: Policy<string, Value, true>
  /** The next fill takes at least so long after it has read its row. */
  nextTakesMs = 0

  constructor(simulation: Simulation) {
    this.#simulation = simulation
    const { aging, soft, lateTags, replicas, followers, checked } = simulation.scenario
    this.policy = definePolicy({
      name: 'row',
      fill: (key: string, context: FillContext) => this.#fill(this.#row(context.tenant, key), context),
      ttl: aging ? '60ms' : '1h',
      ...(aging || soft ? { stale: { whileRevalidate: '100ms', ifError: `${STALE_MS}ms` as const } } : {}),
      ...(aging ? { refreshAhead: { beta: 2 } } : {}),
      ...(lateTags ? {} : { tags: (key: string) => tagsOf(key) }),
      ...(replicas ? { replicaLag: { max: `${MARKED_MS}ms`, action: replicas } as const } : {}),
      ...(checked ? { value: this.#schema } : {}),
      coordinate:
        followers === false
          ? false
          : { leaseMs: LEASE_MS, waitMs: 100, pollMinMs: 3, pollMaxMs: 20, onTimeout: followers },
      fillTimeout: { hard: `${FILL_MS}ms`, ...(aging ? { soft: '30ms' as const } : {}) },
    }) as Policy<string, Value, true>
  }

  /** Finds nothing to blame, now and then after a while. */
  get #schema() {
    const { random, sleep } = this.#bound
    const validate = async (value: unknown): Promise<{ value: Value }> => {
      if (random.integer(3) === 0) await sleep(random.integer(40))
      return { value: value as Value }
    }
    return { '~standard': { version: 1, vendor: 'simulation', validate } } as const
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
    const leastMs = this.nextTakesMs
    this.nextTakesMs = 0
    await sleep(Math.max(leastMs, random.integer(isSlow ? 450 : 15)))
    return this.#told(row.key, value, context) as Value
  }

  #read(row: Row, { recentlyInvalidated }: Pick<FillContext, 'recentlyInvalidated'>): Value {
    const { scenario, random, time } = this.#simulation
    if (!scenario.replicas || (recentlyInvalidated && scenario.replicas === 'tell')) return row.value
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
