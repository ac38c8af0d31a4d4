import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import { findPrograms } from '../../apps/cold-chain/src/cluster/find-programs.js'
import { startPostgresServer } from '../../apps/cold-chain/src/cluster/postgres-server.js'
import type { TemporaryServer } from '../../apps/cold-chain/src/cluster/temporary-server.js'
import { type Fleet, loadFleet, type Tenant } from '../../apps/cold-chain/src/load/fleet.js'
import { runOpenLoop } from '../../apps/cold-chain/src/load/open-loop.js'
import { Samples } from '../../apps/cold-chain/src/load/samples.js'
import { createZipf } from '../../apps/cold-chain/src/simulator/zipf.js'
import { seededRandom } from '../../src/testing/index.js'
import { FaultProxy } from '../../test/kit/fault-proxy.ts'
import { freePort } from '../../test/servers/free-port.ts'
import { startRedisServer } from '../../test/servers/redis-server.ts'
import { Balancer } from './balancer.ts'
import { type EventName, Promises, TOUCHED } from './promises.ts'
import { FAULTS, type Scene } from './soak-faults.ts'
import { SoakInstance } from './soak-instance.ts'

export interface SoakOptions {
  /** The app's main.js. */
  readonly program: string
  readonly seed: number
  readonly instances: number
  readonly readsPerSecond: number
  readonly writesPerSecond: number
  /** A call that takes longer is not in time. */
  readonly deadlineMs: number
  readonly isEnough: (so: { readonly ms: number; readonly faults: number; readonly calls: number }) => boolean
  readonly onFault?: (name: string) => void
  /** Default: all. */
  readonly faults?: readonly string[] | undefined
  /** Between two faults, and how long one lasts: from one to two of these. */
  readonly pauseMs?: number
  readonly faultMs?: number
}

/** Every call is one of the four. */
export interface SoakCounts {
  right: number
  /** Older than was promised. */
  old: number
  late: number
  failed: number
}

export interface SoakOutcome extends SoakCounts {
  readonly calls: number
  /** Right and in time. */
  readonly share: number
  readonly retried: number
  readonly faults: Readonly<Record<string, number>>
  readonly acknowledged: number
  readonly refused: number
  readonly latencyMs: ReturnType<Samples['summary']>
  /** The first few of what was not right, one sentence each. */
  readonly examples: readonly string[]
}

/** The staleness bound of the app's cache, which is the default. */
const BOUND_MS = 2_000
const ORGANISATIONS = 12
const QUESTIONS = ['unit-status', 'alerts', 'stats', 'compliance', 'devices']
const MAX_EXAMPLES = 20

/**
 * Plays cold-chain: several instances over one PostgreSQL and one Redis, clients that read and write all the time, and
 * faults one after the other. Nothing is left running.
 */
export async function soak(options: SoakOptions): Promise<SoakOutcome> {
  const releases: (() => unknown)[] = []
  try {
    const scene = await setUp(options, releases)
    return await new Soak(options, scene).run(releases)
  } finally {
    for (const release of releases.reverse()) await release()
  }
}

async function setUp({ program, instances: count, seed }: SoakOptions, releases: (() => unknown)[]): Promise<Scene> {
  const programs = await findPrograms()
  const scene = { redis: await startRedisServer(), instances: [] as SoakInstance[] }
  releases.push(() => scene.redis.stop())
  const created = (server: TemporaryServer): void => void releases.push(() => server.close())
  const environment = {
    DATABASE_URL: await startPostgresServer(programs, created),
    SESSION_SECRET: randomBytes(32).toString('hex'),
    ORGS: String(ORGANISATIONS),
    SITES_PER_ORG: '2',
    UNITS_PER_ORG: '6',
    SIMULATOR: 'off',
    OFFLINE_AFTER_SECONDS: '86400',
    LONG_POLLING: 'off',
    LOG_LEVEL: 'silent',
  }
  for (let number = 1; number <= count; number++) {
    const line = await FaultProxy.start({ port: scene.redis.port, seed: seed * 100 + number })
    releases.push(() => line.close())
    const port = await freePort()
    const instance = new SoakInstance({ program, port, line, environment: { ...environment, INSTANCE: `i${number}` } })
    releases.push(() => instance.close())
    scene.instances.push(instance)
    // One after the other: the first fills the database.
    await instance.start()
  }
  return scene
}

class Soak {
  readonly #options: SoakOptions
  readonly #scene: Scene
  readonly #random
  readonly #balancer: Balancer
  readonly #promises = new Promises(BOUND_MS)
  readonly #counts: SoakCounts = { right: 0, old: 0, late: 0, failed: 0 }
  readonly #latency = new Samples()
  readonly #examples: string[] = []
  readonly #pending = new Set<Promise<void>>()
  #lastFault = 'no fault'

  constructor(options: SoakOptions, scene: Scene) {
    this.#options = options
    this.#scene = scene
    this.#random = seededRandom(options.seed)
    const choice = seededRandom(options.seed + 1)
    this.#balancer = new Balancer(scene.instances, () => choice.next())
  }

  async run(releases: (() => unknown)[]): Promise<SoakOutcome> {
    const arrivals = seededRandom(this.#options.seed + 2)
    const random = (): number => arrivals.next()
    const fleet = await loadFleet(this.#scene.instances[0]!.client, random)
    const sockets = await this.#listen(fleet.tenants)
    const listenNoMore = (): void => {
      for (const socket of sockets) socket.disconnect()
    }
    releases.push(listenNoMore)
    const stop = new AbortController()
    releases.push(() => stop.abort())
    this.#load(fleet, random, stop.signal)
    const faults = await this.#breakThings()
    stop.abort()
    await Promise.all(this.#pending)
    // Everything is mended, and the bound has passed for all that was acknowledged.
    await sleep(BOUND_MS)
    await this.#readAll(fleet.tenants)
    // What was heard meanwhile was asked for, too.
    listenNoMore()
    await Promise.all(this.#pending)
    const { right, old, late, failed } = this.#counts
    const calls = right + old + late + failed
    return {
      ...this.#counts,
      calls,
      share: right / calls,
      retried: this.#balancer.retried,
      faults,
      acknowledged: this.#promises.acknowledged,
      refused: this.#promises.refused,
      latencyMs: this.#latency.summary(),
      examples: this.#examples,
    }
  }

  /** Events of every organisation at every instance: a receipt is known as soon as anybody can know it. */
  async #listen(tenants: readonly Tenant[]): Promise<Socket[]> {
    const sockets = this.#scene.instances.flatMap(({ url }) =>
      tenants.map((tenant) => {
        const socket = io(url, {
          auth: { token: tenant.token },
          transports: ['websocket'],
          forceNew: true,
          reconnectionDelay: 100,
          reconnectionDelayMax: 500,
        })
        for (const name of Object.keys(TOUCHED) as EventName[]) {
          socket.on(name, (message: { version: number; receipt?: string }) => this.#hear(tenant, name, message))
        }
        return socket
      }),
    )
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.once('connect', () => resolve()))))
    return sockets
  }

  /** Who hears an event with its receipt asks again at once, anywhere, and gets nothing older. */
  #hear(tenant: Tenant, event: EventName, message: { version: number; receipt?: string }): void {
    if (!this.#promises.hear(tenant.id, event, message)) return
    const [question] = TOUCHED[event]
    this.#track(this.#read(tenant, question, { version: message.version, receipt: message.receipt! }))
  }

  #load(fleet: Fleet, random: () => number, signal: AbortSignal): void {
    const pickTenant = createZipf(fleet.tenants.length, 0.9)
    const loop = { random, signal, lateness: new Samples() }
    runOpenLoop({
      ...loop,
      perSecond: this.#options.readsPerSecond,
      arrive: () => {
        const tenant = fleet.tenants[pickTenant(random())]!
        this.#track(this.#read(tenant, QUESTIONS[Math.floor(random() * QUESTIONS.length)]!))
      },
    })
    let next = 0
    runOpenLoop({
      ...loop,
      perSecond: this.#options.writesPerSecond,
      arrive: () => this.#track(this.#write(fleet.units[next++ % fleet.units.length]!)),
    })
  }

  async #breakThings(): Promise<Record<string, number>> {
    const { isEnough, onFault, pauseMs = 2_000, faultMs = 1_500, faults: chosen = Object.keys(FAULTS) } = this.#options
    const startedAt = performance.now()
    const broken: Record<string, number> = {}
    const about = (ms: number): number => ms * (1 + this.#random.next())
    for (let faults = 0; ; faults++) {
      await sleep(about(pauseMs))
      const { right, old, late, failed } = this.#counts
      if (isEnough({ ms: performance.now() - startedAt, faults, calls: right + old + late + failed })) return broken
      // In turns, so that a short run has them all; the order is the seed's.
      const name = chosen[(faults + (this.#options.seed % chosen.length)) % chosen.length]!
      onFault?.(name)
      this.#lastFault = name
      broken[name] = (broken[name] ?? 0) + 1
      await FAULTS[name]!(this.#scene, this.#random, about(faultMs))
    }
  }

  async #readAll(tenants: readonly Tenant[]): Promise<void> {
    for (const tenant of tenants) {
      await Promise.all(this.#scene.instances.flatMap(() => QUESTIONS.map((question) => this.#read(tenant, question))))
    }
  }

  async #read(tenant: Tenant, question: string, known?: { version: number; receipt: string }): Promise<void> {
    const startedAt = performance.now()
    const least = known?.version ?? this.#promises.leastVersion(tenant.id, question, startedAt)
    const path = `/api/organisations/${tenant.id}/${question}`
    await this.#call(`${question} of ${tenant.id}`, startedAt, async () => {
      const asked = { method: 'GET', path, token: tenant.token, after: known?.receipt } as const
      const { status, text } = await this.#balancer.send(asked)
      if (status !== 200) throw new Error(`it was answered with ${status}`)
      const { version } = JSON.parse(text) as { version: number }
      return version < least ? `version ${version}, promised was ${least}` : undefined
    })
  }

  async #write(unit: Fleet['units'][number]): Promise<void> {
    unit.isWarm = !unit.isWarm
    const { tenant, deviceId, isWarm, warmCelsius, coldCelsius } = unit
    await this.#call(`a reading of ${tenant.id}`, performance.now(), async () => {
      const body = { deviceId, celsius: isWarm ? warmCelsius : coldCelsius }
      const path = `/api/organisations/${tenant.id}/readings`
      const { status } = await this.#balancer.send({ method: 'POST', path, token: tenant.token, body })
      if (status !== 201) throw new Error(`it was answered with ${status}`)
      return undefined
    })
  }

  /** @param ask answers a sentence if what came is older than promised. Never rejects. */
  async #call(what: string, startedAt: number, ask: () => Promise<string | undefined>): Promise<void> {
    let kind: keyof SoakCounts = 'right'
    let why: string | undefined
    try {
      why = await ask()
      if (why !== undefined) kind = 'old'
    } catch (error) {
      kind = 'failed'
      why = error instanceof Error ? error.message : String(error)
    }
    const tookMs = performance.now() - startedAt
    const after = this.#lastFault
    this.#latency.add(tookMs)
    if (kind === 'right' && tookMs > this.#options.deadlineMs) {
      kind = 'late'
      why = `it took ${Math.round(tookMs)} ms`
    }
    this.#counts[kind]++
    if (why !== undefined && this.#examples.length < MAX_EXAMPLES) {
      this.#examples.push(`${kind}, after '${after}': ${what}: ${why}`)
    }
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#pending.delete(tracked))
    this.#pending.add(tracked)
  }
}
