import type { Consistency, ReadOptions, Scope } from '../../src/index.js'
import { KEYS, type Row } from './rows.js'
import type { SimulatedProcess, Simulation } from './simulation.js'
import type { Writes } from './writes.js'

type Way = (scope: Scope, key: string, options: ReadOptions | undefined) => Promise<unknown>

/** The calls that read, each in one of the ways that the API has. */
export class Reads {
  readonly #simulation: Simulation
  readonly #writes: Writes
  readonly #ways: readonly Way[]

  constructor(simulation: Simulation, writes: Writes) {
    this.#simulation = simulation
    this.#writes = writes
    this.#ways = waysOf(simulation)
  }

  play(process: SimulatedProcess, row: Row): void {
    const dice = this.#simulation.random.integer(20)
    this.read(process, row, dice < 12 ? 'bounded' : dice < 19 ? 'strict' : 'eventual')
  }

  /** As most callers do. */
  readPlainly(process: SimulatedProcess, row: Row): void {
    const { what, answer } = this.#begin(process, row, 'bounded')
    const { scope } = process.tenants.get(row.tenant)!
    const call = scope.getOrFill(this.#simulation.fills.policy, row.key)
    this.#simulation.calls.track(call.then(answer), { what, process, isRead: true })
  }

  read(process: SimulatedProcess, row: Row, level: Consistency): void {
    const { random, calls } = this.#simulation
    const { scope, view } = process.tenants.get(row.tenant)!
    const receipt = level === 'bounded' && random.integer(4) === 0 ? this.#writes.lastReceipt : undefined
    const { what, answer } = this.#begin(process, row, level, receipt)
    const isPlain = level === 'bounded' && receipt === undefined
    if (view && isPlain && random.integer(3) === 0) {
      const held = view.get(row.key)
      answer(held)
      if (held === undefined) calls.track(this.#compute(process, row), { what, process, isRead: true })
      return
    }
    const way = random.integer(isPlain ? this.#ways.length + 2 : this.#ways.length)
    this.#simulation.note(`${what} begins, way ${way}`)
    if (way >= this.#ways.length) {
      answer(scope.peek(this.#simulation.fills.policy, row.key))
      return
    }
    const signal = random.integer(12) === 0 ? this.#givenUpSoon() : undefined
    // Without options a hit is found on a way of its own.
    const isBare = isPlain && signal === undefined && random.integer(2) === 0
    const options = isBare ? undefined : { ...(receipt ? { after: receipt.token } : { consistency: level }), signal }
    calls.track(this.#ways[way]!(scope, row.key, options).then(answer), { what, process, isRead: true, signal })
  }

  /** What is owed to a read that starts now. */
  #begin(
    { client }: SimulatedProcess,
    row: Row,
    level: Consistency,
    receipt?: Writes['lastReceipt'],
  ): { what: string; answer: (value: unknown) => void } {
    const { calls, time } = this.#simulation
    const what = `${calls.next()}: ${receipt ? 'after' : level} read of ${row.id} by ${client}`
    const start = {
      atMs: time.now(),
      level,
      client,
      after: receipt?.places.get(row),
      owed: this.#writes.owed(client, row),
    }
    const end = row.history.begin(start, this.#simulation.told(what))
    return { what, answer: (value) => this.#answered(row, value, { what, end }) }
  }

  #answered(row: Row, value: unknown, { what, end }: { what: string; end: (version: number) => void }): void {
    this.#simulation.note(`${what} → ${value}`)
    if (value === undefined) return
    const version = row.versionOf(value)
    if (version === undefined) this.#simulation.problem(`${what} returned ${value}, which that row never was`)
    else end(version)
  }

  #givenUpSoon(): AbortSignal {
    const controller = new AbortController()
    const { time, random } = this.#simulation
    time.setTimer(() => controller.abort(new Error('given up')), random.integer(40))
    return controller.signal
  }

  /** What an application does that has missed a value in a sync view. */
  async #compute({ tenants, clock, client, isClosing }: SimulatedProcess, row: Row): Promise<void> {
    const { random, fills } = this.#simulation
    await this.#simulation.sleep(random.integer(15))
    const { value } = row
    this.#simulation.note(`  a caller of the view of ${client} reads ${row.id} as ${value}`)
    await this.#simulation.sleep(random.integer(15))
    if (!clock.isFrozen && !isClosing) tenants.get(row.tenant)!.view!.set(row.key, value, fills.details.tags(row.key))
  }
}

/** Every way is as likely as any other: what many take is named several times. */
function waysOf({ fills, random, scenario }: Simulation): Way[] {
  const { policy } = fills
  const fillMany: Parameters<Scope['getOrFillMany']>[2] = ((keys: string[], context: never) =>
    fills.fillMany(keys, context)) as never
  const some = (key: string): string[] => {
    if (random.integer(3) === 0) return [key]
    const keys = [...new Set([...KEYS, key])]
    return random.integer(2) === 0 ? keys : keys.reverse()
  }
  const getOrFill: Way = (scope, key, options) => scope.getOrFill(policy, key, options)
  const filledMany: Way = async (scope, key, options) =>
    (await scope.getOrFillMany(policy, some(key), fillMany as never, options)).get(key)
  return [
    getOrFill,
    getOrFill,
    getOrFill,
    filledMany,
    filledMany,
    async (scope, key, options) => (await scope.getOrFillEntry(policy, key, options)).value,
    async (scope, key, options) => (await scope.getOrFillMany(policy, some(key), options)).get(key),
    (scope, key, options) => scope.bind(policy).getOrFill(key, options),
    (scope, key, options) => scope.get(policy, key, options),
    async (scope, key, options) => {
      const { state, value } = await scope.getEntry(policy, key, options)
      // What was softly invalidated may be shown as stale for as long as it is there.
      return state === 'stale' && scenario.soft ? undefined : value
    },
    async (scope, key, options) => (await scope.getMany(policy, some(key), options)).get(key),
    (scope, key, options) =>
      options?.after === undefined ? scope.refresh(policy, key, options) : scope.get(policy, key, options),
    async (scope, key) => void (await scope.warm(policy, [key])),
    async (scope, key) => void (await scope.explain(policy, key)),
  ]
}
