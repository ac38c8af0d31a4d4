import { type Cache, createCache, memoryTier, type Scope, type SyncView } from '../../src/index.js'
import {
  createTwinServer,
  type FakeClock,
  fakeClock,
  type SeededRandom,
  seededRandom,
  sharedTier,
  type TwinServer,
} from '../../src/testing/index.js'
import { Calls } from './calls.js'
import { FaultSchedule } from './fault-schedule.js'
import { ProcessClock } from './process-clock.js'
import { Reads } from './reads.js'
import { RowFills } from './row-fills.js'
import { Rows } from './rows.js'
import type { Fault, Scenario } from './scenario.js'
import { SimulatedDirectory } from './simulated-disk.js'
import { type Link, SimulatedNetwork } from './simulated-network.js'
import { Writes } from './writes.js'

const MAX_STALENESS_MS = 80
/** Where memory goes on answering in an outage. */
const OUTAGE_MAX_STALE_MS = 300
const COMMAND_TIMEOUT = '30ms'
const SETTLE_MS = 2_000

/** One process of the fleet. After a crash or a restart another is in its place. */
export interface SimulatedProcess {
  readonly client: number
  readonly clock: ProcessClock
  readonly cache: Cache
  readonly link: Link
  readonly tenants: ReadonlyMap<
    string,
    { readonly scope: Scope; readonly view: SyncView<string, string | null> | undefined }
  >
  isClosing: boolean
}

/** Rows of the database, caches over one twin server, and everything that happens to them. */
export class Simulation {
  readonly scenario: Scenario
  readonly events: string[] = []
  readonly time: FakeClock = fakeClock()
  readonly random: SeededRandom
  readonly server: TwinServer
  readonly network: SimulatedNetwork
  readonly processes: SimulatedProcess[] = []
  readonly rows: Rows
  readonly fills: RowFills
  readonly calls: Calls
  serverOffsetMs = 0
  readonly #problems: string[] = []
  readonly #directories: SimulatedDirectory[] = []
  readonly #reads: Reads
  readonly #writes: Writes
  #clients = 0

  constructor(scenario: Scenario) {
    this.scenario = scenario
    this.random = seededRandom(scenario.seed)
    const { time } = this
    const maxStalenessMs = scenario.servesOutages ? OUTAGE_MAX_STALE_MS : MAX_STALENESS_MS
    this.rows = new Rows(scenario, { maxStalenessMs, atMs: time.now() })
    // The server's own time line: its clock can jump, lives of keys with it.
    const serverClock = Object.create(time, { now: { value: () => time.now() + this.serverOffsetMs } }) as FakeClock
    this.network = new SimulatedNetwork({
      time,
      random: this.#fork(),
      faults: scenario.faults,
      note: (what) => this.note(what),
    })
    this.server = createTwinServer({
      clock: serverClock,
      random: this.#fork(),
      deliver: this.network.deliver,
      shards: scenario.shards,
    })
    this.fills = new RowFills(this)
    this.calls = new Calls(this)
    this.#writes = new Writes(this)
    this.#reads = new Reads(this, this.#writes)
    for (let index = 0; index < scenario.processes; index++) this.startProcess(index)
  }

  get violations(): string[] {
    return [...this.rows.all.flatMap(({ history }) => history.violations), ...this.#problems]
  }

  get reads(): number {
    return this.rows.all.reduce((sum, { history }) => sum + history.reads, 0)
  }

  get acknowledgements(): number {
    return this.rows.all.reduce((sum, { history }) => sum + history.acknowledgements, 0)
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
    this.calls.mustHaveEnded('')
    await this.#readAfterwards()
    await this.#close()
  }

  note(what: string): void {
    this.events.push(`${this.time.now()} ${what}`)
  }

  /** Something that is wrong whatever the histories say. */
  problem(what: string): void {
    this.#problems.push(this.told(what))
  }

  told(what: string): string {
    return `seed ${this.scenario.seed}: ${what}`
  }

  /** True while the fault is among those of this scenario, and they are not over. */
  suffers(fault: Fault): boolean {
    return this.network.isFaulty && this.scenario.faults.includes(fault)
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.time.setTimer(resolve, ms))
  }

  startProcess(index: number): void {
    const { scenario, server } = this
    const client = ++this.#clients
    const clock = new ProcessClock(this.time)
    const link = this.network.connect(clock)
    const pollInterval = scenario.onDemand ? '0ms' : '20ms'
    const cache = createCache({
      name: 'simulation',
      tiers: [
        ...(scenario.sharedOnly ? [] : [memoryTier()]),
        ...(scenario.disk ? [this.#directory(index).tier()] : []),
        sharedTier({ server, pollInterval, commandTimeout: COMMAND_TIMEOUT }),
      ],
      maxStaleness: `${MAX_STALENESS_MS}ms`,
      ...(scenario.servesOutages ? { outage: 'serve', outageMaxStale: `${OUTAGE_MAX_STALE_MS}ms` } : {}),
      clock,
      random: this.#fork(),
    })
    const hasViews = scenario.views && !scenario.sharedOnly
    const tenants = new Map(
      this.rows.tenants.map((tenant) => {
        const scope = tenant === '' ? cache : cache.tenant(tenant)
        return [tenant, { scope, view: hasViews ? scope.syncView(this.fills.policy) : undefined }] as const
      }),
    )
    this.processes[index] = { client, clock, cache, link, tenants, isClosing: false }
  }

  /** Its messages on their way still arrive; it hears of nothing any more. */
  crash(index: number, isPowerCut: boolean): void {
    const { client, link, clock } = this.processes[index]!
    this.note(`${isPowerCut ? 'power cut' : 'crash'} of ${client}`)
    link.isCrashed = true
    clock.freeze()
    this.calls.forget(client)
    this.#directories[index]?.crash(isPowerCut)
    this.startProcess(index)
  }

  /** As at a deploy: it ends what it has begun, and another takes its place. */
  restart(index: number): void {
    const process = this.processes[index]!
    const { client, cache } = process
    if (process.isClosing) return
    process.isClosing = true
    const graceMs = this.random.integer(60)
    this.note(`${client} closes within ${graceMs} ms`)
    const closed = cache.close({ graceMs }).then(() => {
      this.note(`${client} is closed`)
      if (this.processes[index] === process) this.startProcess(index)
    })
    this.calls.track(closed, { what: `close of ${client}`, process, isRead: false })
  }

  /** The server is a replica now that stopped receiving at `sinceMs`. */
  forgive(sinceMs: number): void {
    for (const { history } of this.rows.all) history.forgive(sinceMs)
    this.#writes.forgiveQueued()
  }

  #directory(index: number): SimulatedDirectory {
    this.#directories[index] ??= new SimulatedDirectory({
      random: this.#fork(),
      isSlow: () => this.suffers('disk-slow'),
      isFailing: () => this.suffers('disk-failing') && this.random.next() < 0.1,
    })
    return this.#directories[index]
  }

  #fork(): SeededRandom {
    return seededRandom(this.random.integer(2 ** 27))
  }

  #call(): void {
    const { random, scenario, processes } = this
    const process = processes[random.integer(processes.length)]!
    const row = this.rows.all[random.integer(this.rows.all.length)]!
    if (process.clock.isFrozen || process.isClosing) return
    if (random.next() < scenario.writes) this.#writes.play(process, row)
    else this.#reads.play(process, row)
  }

  /** When all is healed and B has passed, every process knows everything. */
  async #readAfterwards(): Promise<void> {
    for (const process of this.processes) {
      for (const row of this.rows.all) {
        for (const level of ['bounded', 'strict'] as const) this.#reads.read(process, row, level)
      }
    }
    await this.time.advance(SETTLE_MS)
    this.calls.mustHaveEnded(', although all was healed')
  }

  async #close(): Promise<void> {
    let left = this.processes.length
    for (const { cache } of this.processes) {
      void cache.close().then(() => {
        left--
      })
    }
    await this.time.advance(10_000)
    if (left > 0) this.problem(`${left} caches never closed`)
  }
}
