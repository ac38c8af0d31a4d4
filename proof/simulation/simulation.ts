import type { MemoryTierDefinition } from '../../src/core/ports/local-tier.js'
import { type Cache, createCache, memoryTier, type Scope, type SyncView } from '../../src/index.js'
import { EVICTION_NAMES as EVICTIONS } from '../../src/memory/evictions/create-eviction.js'
import {
  createTwinServer,
  type FakeClock,
  fakeClock,
  type SeededRandom,
  seededRandom,
  sharedTier,
  type TwinServer,
} from '../../src/testing/index.js'
import { AimedCalls } from './aimed-calls.js'
import { Calls } from './calls.js'
import { FaultSchedule } from './fault-schedule.js'
import { ProcessClock } from './process-clock.js'
import { Reads } from './reads.js'
import { REPLICA_SLACK_MS, RowFills } from './row-fills.js'
import { Rows } from './rows.js'
import { type Fault, MAX_STALENESS_MS, type Scenario } from './scenario.js'
import { SimulatedDirectory } from './simulated-disk.js'
import { type Link, SimulatedNetwork } from './simulated-network.js'
import { SOFT_MS, Writes } from './writes.js'

/** Where memory goes on answering in an outage. */
const OUTAGE_MAX_STALE_MS = 300
const COMMAND_TIMEOUT = '30ms'
/** Once all is healed: long enough for every bound to pass and for queues to be delivered, and at most so long. */
const SETTLES_WITHIN_MS = { least: 700, most: 3_000 }
/** No entry of a long value, of any tier that is small. */
const SMALL_ENTRY_BYTES = 300

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
  readonly #aimed: AimedCalls
  #clients = 0

  constructor(scenario: Scenario) {
    this.scenario = scenario
    this.random = seededRandom(scenario.seed)
    const { time } = this
    const maxStalenessMs = scenario.servesOutages ? OUTAGE_MAX_STALE_MS : MAX_STALENESS_MS
    const slackMs = scenario.replicas === 'shortTtl' ? REPLICA_SLACK_MS : 0
    this.rows = new Rows(scenario, { maxStalenessMs, slackMs, isSized: scenario.small, atMs: time.now() })
    // The server's own time line: its clock can jump, lives of keys with it.
    const serverClock = Object.create(time, { now: { value: () => time.now() + this.serverOffsetMs } }) as FakeClock
    this.network = new SimulatedNetwork({
      time,
      random: this.#fork(),
      faults: scenario.faults,
      note: (what) => this.note(what),
      latencyMs: scenario.latencyMs,
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
    this.#aimed = new AimedCalls(this, { reads: this.#reads, writes: this.#writes })
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
    await this.#settle(scenario.soft ? SOFT_MS : 0)
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
        ...(scenario.sharedOnly ? [] : [this.#memory()]),
        ...(scenario.disk ? [this.#directory(index).tier()] : []),
        sharedTier({
          server,
          pollInterval,
          commandTimeout: COMMAND_TIMEOUT,
          maxEntryBytes: scenario.small ? SMALL_ENTRY_BYTES : undefined,
        }),
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
    this.#writes.failedOver()
  }

  /** Two rows and more want to be in it. */
  #memory(): MemoryTierDefinition {
    const { random, scenario } = this
    if (!scenario.small) return memoryTier()
    const eviction = EVICTIONS[random.integer(EVICTIONS.length)]!
    const quotas = random.integer(2) === 0 ? { share: 0.5 } : undefined
    const room =
      random.integer(2) === 0 ? { maxEntries: 1 + random.integer(3) } : { maxBytes: 500 + random.integer(1_500) }
    return memoryTier({ ...room, eviction, ...(quotas && { quotas }) })
  }

  /** Calls around the end of a process's bound: see `AimedCalls`. */
  aim(index: number, beginUnread: (process: SimulatedProcess) => void): void {
    this.#aimed.play(index, beginUnread)
  }

  #directory(index: number): SimulatedDirectory {
    this.#directories[index] ??= new SimulatedDirectory({
      random: this.#fork(),
      isSlow: () => this.suffers('disk-slow'),
      isFailing: () => this.suffers('disk-failing') && this.random.next() < 0.1,
      maxEntryBytes: this.scenario.small ? SMALL_ENTRY_BYTES : Number.POSITIVE_INFINITY,
    })
    return this.#directories[index]
  }

  #fork(): SeededRandom {
    return seededRandom(this.random.integer(2 ** 27))
  }

  #call(): void {
    const { random, scenario, processes } = this
    const process = processes[random.integer(processes.length)]!
    const row = this.rows.called[random.integer(this.rows.called.length)]!
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
    await this.#settle()
    this.calls.mustHaveEnded(', although all was healed')
  }

  /** Until every call has ended, as far as they do. */
  async #settle(moreMs = 0): Promise<void> {
    const { least, most } = SETTLES_WITHIN_MS
    await this.time.advance(least + moreMs)
    const untilMs = this.time.now() + most - least
    while (this.calls.areUnderWay && this.time.now() < untilMs) await this.time.advance(100)
  }

  async #close(): Promise<void> {
    let left = this.processes.length
    for (const { cache } of this.processes) {
      void cache.close().then(() => {
        left--
      })
    }
    for (let passedMs = 0; left > 0 && passedMs < 10_000; passedMs += 100) await this.time.advance(100)
    if (left > 0) this.problem(`${left} caches never closed`)
  }
}
