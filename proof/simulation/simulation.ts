import {
  type Cache,
  CacheError,
  type Consistency,
  createCache,
  definePolicy,
  memoryTier,
  type SyncView,
} from '../../src/index.js'
import {
  createTwinServer,
  type FakeClock,
  fakeClock,
  type SeededRandom,
  seededRandom,
  sharedTier,
  type TwinServer,
} from '../../src/testing/index.js'
import { History } from '../../test/kit/history.js'
import { FaultSchedule } from './fault-schedule.js'
import { ProcessClock } from './process-clock.js'
import type { Scenario } from './scenario.js'
import { type Link, SimulatedNetwork } from './simulated-network.js'

export const MAX_STALENESS_MS = 80
const POLL = '20ms'
const COMMAND_TIMEOUT = '30ms'
const KEYS = ['a', 'b'] as const
const SETTLE_MS = 2_000

type Key = (typeof KEYS)[number]

/** One process of the fleet. A crash puts another in its place. */
export interface SimulatedProcess {
  readonly client: number
  readonly clock: ProcessClock
  readonly cache: Cache
  readonly link: Link
  readonly view: SyncView<string, number> | undefined
}

class RowGoneError extends Error {}

/** Rows of the database with a version each, caches over one twin server, and everything that happens to them. */
export class Simulation {
  readonly scenario: Scenario
  readonly events: string[] = []
  readonly time: FakeClock = fakeClock()
  readonly random: SeededRandom
  readonly server: TwinServer
  readonly network: SimulatedNetwork
  readonly processes: SimulatedProcess[] = []
  serverOffsetMs = 0
  readonly #histories: Record<Key, History> = { a: new History(MAX_STALENESS_MS), b: new History(MAX_STALENESS_MS) }
  readonly #origin: Record<Key, number> = { a: 1, b: 1 }
  readonly #faultyFills: { readonly slow: boolean; readonly failing: boolean }
  readonly #problems: string[] = []
  readonly #receipts: { token: string; places: ReadonlyMap<Key, number> }[] = []
  /** By client and key: the last queued change, which its own process must know. 0 = forgiven. */
  readonly #queued = new Map<string, { version: number }>()
  /** Where writers take turns: the write under way, or one that was never acknowledged. */
  readonly #beingWritten = new Set<Key>()
  readonly #policy
  /** Under way, by their clients. */
  readonly #calls = new Map<string, number>()
  #started = 0
  #clients = 0

  constructor(scenario: Scenario) {
    this.scenario = scenario
    this.random = seededRandom(scenario.seed)
    const { time } = this
    // The server's own time line: its clock can jump, lives of keys with it.
    const serverClock = Object.create(time, { now: { value: () => time.now() + this.serverOffsetMs } }) as FakeClock
    this.network = new SimulatedNetwork({
      time,
      random: this.#fork(),
      faults: scenario.faults,
      note: (what) => this.note(what),
    })
    this.server = createTwinServer({ clock: serverClock, random: this.#fork(), deliver: this.network.deliver })
    this.#faultyFills = {
      slow: scenario.faults.includes('slow-fill'),
      failing: scenario.faults.includes('failing-fill'),
    }
    this.#policy = definePolicy({
      name: 'row',
      fill: (key: string) => this.#fill(key as Key),
      ttl: scenario.aging ? '60ms' : '1h',
      stale: scenario.aging ? { whileRevalidate: '100ms', ifError: '300ms' } : {},
      tags: (key: string) => ['all', `one-${key}`],
      coordinate: { leaseMs: 200, waitMs: 100, pollMinMs: 3, pollMaxMs: 20 },
      fillTimeout: { hard: '400ms' },
    })
    for (let index = 0; index < scenario.processes; index++) this.startProcess(index)
  }

  get violations(): string[] {
    return [...KEYS.flatMap((key) => this.#histories[key].violations), ...this.#problems]
  }

  get reads(): number {
    return KEYS.reduce((sum, key) => sum + this.#histories[key].reads, 0)
  }

  get acknowledgements(): number {
    return KEYS.reduce((sum, key) => sum + this.#histories[key].acknowledgements, 0)
  }

  async play(): Promise<void> {
    const { scenario, time } = this
    const faults = new FaultSchedule(this)
    const startMs = time.now()
    for (let call = 0; call < scenario.calls; call++) {
      time.setTimer(() => this.#call(), this.random.integer(scenario.durationMs))
    }
    await time.advance(scenario.durationMs)
    faults.heal()
    this.note(`healed after ${time.now() - startMs} ms`)
    await time.advance(SETTLE_MS)
    for (const call of this.#calls.keys()) this.#problems.push(this.#told(`${call} never ended`))
    await this.#readAfterwards()
    await this.#close()
  }

  note(what: string): void {
    this.events.push(`${this.time.now()} ${what}`)
  }

  startProcess(index: number): void {
    const client = ++this.#clients
    const clock = new ProcessClock(this.time)
    const link = this.network.connect(clock)
    const { server } = this
    const shared = sharedTier({ server, pollInterval: POLL, commandTimeout: COMMAND_TIMEOUT })
    const cache = createCache({
      name: 'simulation',
      tiers: this.scenario.sharedOnly ? [shared] : [memoryTier(), shared],
      maxStaleness: `${MAX_STALENESS_MS}ms`,
      clock,
      random: this.#fork(),
    })
    const view = this.scenario.views && !this.scenario.sharedOnly ? cache.syncView(this.#policy) : undefined
    this.processes[index] = { client, clock, cache, link, view }
  }

  /** Its messages on their way still arrive; it hears of nothing any more. */
  crash(index: number): void {
    const { client, link, clock } = this.processes[index]!
    this.note(`crash of ${client}`)
    link.isCrashed = true
    clock.freeze()
    for (const [call, caller] of this.#calls) if (caller === client) this.#calls.delete(call)
    this.startProcess(index)
  }

  /** The server is a replica now that stopped receiving at `sinceMs`. */
  forgive(sinceMs: number): void {
    for (const key of KEYS) this.#histories[key].forgive(sinceMs)
    // Delivered or not: a failover may have lost it.
    for (const owed of this.#queued.values()) owed.version = 0
    this.#queued.clear()
  }

  #fork(): SeededRandom {
    return seededRandom(this.random.integer(2 ** 27))
  }

  #call(): void {
    const process = this.processes[this.random.integer(this.processes.length)]!
    if (process.clock.isFrozen) return
    if (this.random.next() < this.scenario.writes) this.#write(process)
    else this.#read(process, this.#levelOf(), KEYS[this.random.integer(KEYS.length)]!)
  }

  #levelOf(): Consistency {
    const dice = this.random.integer(20)
    return dice < 12 ? 'bounded' : dice < 19 ? 'strict' : 'eventual'
  }

  #read(process: SimulatedProcess, level: Consistency, key: Key): void {
    const { client, cache, view } = process
    const policy = this.#policy
    const receipt = level === 'bounded' && this.random.integer(4) === 0 ? this.#receipts.at(-1) : undefined
    const after = receipt?.places.get(key)
    const what = `${++this.#started}: ${receipt ? 'after' : level} read of ${key} by ${client}`
    const owed = this.#queued.get(`${client} ${key}`)
    const end = this.#histories[key].begin({ atMs: this.time.now(), level, client, after, owed }, this.#told(what))
    const options = receipt ? { after: receipt.token } : { consistency: level }
    const answer = (value: unknown): void => {
      this.note(`${what} → ${value}`)
      if (typeof value === 'number') end(value)
    }
    if (view && options.consistency === 'bounded' && this.random.integer(3) === 0) {
      const held = view.get(key)
      answer(held)
      if (held === undefined) this.#track(this.#compute(process, key), { what, client, isRead: true })
      return
    }
    const way = this.random.integer(10)
    this.note(`${what} begins, way ${way}`)
    if (way === 0 && options.consistency === 'bounded') {
      answer(cache.peek(policy, key))
      return
    }
    const call =
      way === 1
        ? cache.get(policy, key, options)
        : way === 2
          ? cache.getOrFillMany(policy, [...KEYS], (keys) => this.#fillMany(keys), options).then((all) => all.get(key))
          : way === 3 && receipt === undefined
            ? cache.refresh(policy, key, options)
            : cache.getOrFill(policy, key, options)
    this.#track(call.then(answer), { what, client, isRead: true })
  }

  /** What an application does that has missed a value in a sync view. */
  async #compute({ view, clock, client }: SimulatedProcess, key: Key): Promise<void> {
    await this.#sleep(this.random.integer(15))
    const loaded = this.#origin[key]
    this.note(`  a caller of the view of ${client} reads ${key},${loaded}`)
    await this.#sleep(this.random.integer(15))
    if (!clock.isFrozen) view!.set(key, loaded)
  }

  async #fillMany(keys: readonly string[]): Promise<(readonly [string, number])[]> {
    await this.#sleep(this.random.integer(10))
    this.note(`  a fill reads ${keys.map((key) => `${key},${this.#origin[key as Key]}`).join(' ')}`)
    return keys.map((key) => [key, this.#origin[key as Key]] as const)
  }

  /** Reads the row at one moment between its start and its end. */
  async #fill(key: Key): Promise<number> {
    const isSlow = this.#faultyFills.slow && this.network.isFaulty && this.random.integer(5) === 0
    await this.#sleep(this.random.integer(isSlow ? 450 : 15))
    const loaded = this.#origin[key]
    this.note(`  a fill reads ${key},${loaded}`)
    if (this.#faultyFills.failing && this.network.isFaulty && this.random.integer(5) === 0) throw new RowGoneError()
    await this.#sleep(this.random.integer(isSlow ? 450 : 15))
    return loaded
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.time.setTimer(resolve, ms))
  }

  #write({ client, cache, view }: SimulatedProcess): void {
    const { sets, queues } = this.scenario
    const way = this.random.integer(sets ? 9 : 7)
    const key = KEYS[this.random.integer(KEYS.length)]!
    const isOfAll = way >= 4 && way < 6
    const keys = isOfAll ? KEYS : [key]
    if (sets && keys.some((one) => this.#beingWritten.has(one))) return
    const policy = this.#policy
    if (way === 6) {
      const soft = cache.invalidate({ tags: ['all'], soft: true })
      this.#track(soft, { what: `${++this.#started}: soft invalidation by ${client}`, client, isRead: false })
      return
    }
    for (const one of keys) {
      this.#origin[one]++
      if (sets) this.#beingWritten.add(one)
    }
    const written = new Map(keys.map((one) => [one, this.#origin[one]]))
    const what = `${++this.#started}: write ${way} of ${[...written].join(' ')} by ${client}`
    this.note(what)
    if (view && way === 0 && this.random.integer(2) === 0) {
      // Nobody is told when it is acknowledged.
      view.invalidate(key)
      return
    }
    const options = queues && this.random.integer(2) === 0 ? ({ whenUnavailable: 'queue' } as const) : {}
    const call =
      way === 0
        ? cache.delete(policy, key, options)
        : way === 1
          ? cache.deleteMany(policy, [key, 'other'], options)
          : way === 2
            ? cache.invalidate({ tags: [`one-${key}`], ...options })
            : way === 3
              ? cache.invalidate({ entries: [[policy, key]], ...options })
              : way === 4
                ? cache.invalidate({ tags: ['all'], ...options })
                : way === 5
                  ? cache.clear(options)
                  : cache.set(policy, key, this.#origin[key])
    const acknowledged = (call as Promise<{ state?: string; token?: string } | undefined>).then((receipt) => {
      if (receipt?.state === 'queued') {
        this.note(`${what} queued`)
        for (const [one, version] of written) this.#owe(`${client} ${one}`, version)
        return
      }
      this.note(`${what} acknowledged`)
      const places = new Map<Key, number>()
      for (const [one, version] of written) {
        places.set(one, this.#histories[one].acknowledge(version, this.time.now(), client))
        this.#beingWritten.delete(one)
      }
      // A `set` has none.
      if (typeof receipt?.token === 'string') this.#receipts.push({ token: receipt.token, places })
    })
    this.#track(acknowledged, { what, client, isRead: false })
  }

  #owe(clientAndKey: string, version: number): void {
    this.#queued.set(clientAndKey, { version: Math.max(version, this.#queued.get(clientAndKey)?.version ?? 0) })
  }

  /** Every call ends; a broken tier rejects no read. */
  #track(call: Promise<unknown>, { what, client, isRead }: { what: string; client: number; isRead: boolean }): void {
    this.#calls.set(what, client)
    call
      .catch((error: unknown) => {
        this.note(`${what} rejected: ${String(error)}`)
        if (isRead && !this.#isOfFill(error)) this.#problems.push(this.#told(`${what} rejected: ${String(error)}`))
      })
      .finally(() => this.#calls.delete(what))
  }

  /** The fill's own failure is the caller's to see, here or from the process that filled. */
  #isOfFill(error: unknown): boolean {
    const { slow, failing } = this.#faultyFills
    if (CacheError.is(error) && error.code === 'FILL_TIMEOUT') return slow
    if (CacheError.is(error) && error.code === 'REMOTE_FILL_FAILED') return slow || failing
    return failing && error instanceof RowGoneError
  }

  #told(what: string): string {
    return `seed ${this.scenario.seed}: ${what}`
  }

  /** When all is healed and B has passed, every process knows everything. */
  async #readAfterwards(): Promise<void> {
    for (const process of this.processes) {
      for (const key of KEYS) for (const level of ['bounded', 'strict'] as const) this.#read(process, level, key)
    }
    await this.time.advance(SETTLE_MS)
    for (const call of this.#calls.keys())
      this.#problems.push(this.#told(`${call} never ended, although all was healed`))
  }

  async #close(): Promise<void> {
    let left = this.processes.length
    for (const { cache } of this.processes) {
      void cache.close().then(() => {
        left--
      })
    }
    await this.time.advance(10_000)
    if (left > 0) this.#problems.push(this.#told(`${left} caches never closed`))
  }
}
