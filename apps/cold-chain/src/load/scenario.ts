import { createZipf } from '../simulator/zipf.js'
import type { EventChecker } from './event-checker.js'
import type { Fleet, FleetUnit, Tenant } from './fleet.js'
import type { HttpClient } from './http-client.js'
import { runOpenLoop } from './open-loop.js'
import { Samples } from './samples.js'

export interface Rates {
  readonly readingsPerSecond: number
  readonly stateChangeRatio: number
  readonly dashboardsPerSecond: number
}

/** What the clients of one stretch of load saw. */
export class Observed {
  readonly hits = new Samples()
  readonly misses = new Samples()
  readonly writes = new Samples()
  readonly lateness = new Samples()
  stateChanges = 0
  plainReadings = 0
  dashboards = 0
  errors = 0
}

/** The five queries of a dashboard, as S2 lists them. */
const DASHBOARD = ['unit-status', 'alerts', 'trends', 'devices', 'stats'] as const
const ZIPF = 0.9

/** Readings and dashboards, each an open loop of its own. */
export class Scenario {
  readonly #client: HttpClient
  readonly #fleet: Fleet
  readonly #checker: EventChecker
  readonly #random: () => number
  readonly #pickTenant: (uniform: number) => number
  #nextUnit = 0
  #open = 0

  constructor(options: { client: HttpClient; fleet: Fleet; checker: EventChecker; random: () => number }) {
    this.#client = options.client
    this.#fleet = options.fleet
    this.#checker = options.checker
    this.#random = options.random
    this.#pickTenant = createZipf(options.fleet.tenants.length, ZIPF)
  }

  /** Requests that are not answered yet. */
  get open(): number {
    return this.#open
  }

  /** Begins; ends with the signal. */
  run(rates: Rates, observed: Observed, signal: AbortSignal): void {
    const loop = { random: this.#random, signal, lateness: observed.lateness }
    runOpenLoop({
      ...loop,
      perSecond: rates.readingsPerSecond,
      arrive: (at) => this.#sendReading(rates.stateChangeRatio, observed, at),
    })
    runOpenLoop({ ...loop, perSecond: rates.dashboardsPerSecond, arrive: (at) => this.#openDashboard(observed, at) })
  }

  #sendReading(stateChangeRatio: number, observed: Observed, intendedAt: number): void {
    const { units } = this.#fleet
    const unit = units[this.#nextUnit++ % units.length]!
    const changes = this.#random() < stateChangeRatio
    if (changes) {
      unit.isWarm = !unit.isWarm
      observed.stateChanges += 1
      this.#checker.expect(unit.id, intendedAt)
    } else observed.plainReadings += 1
    this.#track(observed, this.#write(unit, observed, intendedAt))
  }

  async #write(unit: FleetUnit, observed: Observed, intendedAt: number): Promise<void> {
    const { tenant, deviceId, isWarm, warmCelsius, coldCelsius } = unit
    const { status, text } = await this.#client.send('POST', `/api/organisations/${tenant.id}/readings`, {
      token: tenant.token,
      body: { deviceId, celsius: isWarm ? warmCelsius : coldCelsius },
    })
    if (status !== 201) throw new Error(`a reading was answered with ${status}: ${text}`)
    observed.writes.add(performance.now() - intendedAt)
  }

  #openDashboard(observed: Observed, intendedAt: number): void {
    const tenant = this.#fleet.tenants[this.#pickTenant(this.#random())]!
    observed.dashboards += 1
    for (const question of DASHBOARD) this.#track(observed, this.#read(tenant, question, observed, intendedAt))
  }

  async #read(tenant: Tenant, question: string, observed: Observed, intendedAt: number): Promise<void> {
    const { status, cacheStatus } = await this.#client.send('GET', `/api/organisations/${tenant.id}/${question}`, {
      token: tenant.token,
    })
    if (status !== 200) throw new Error(`${question} was answered with ${status}`)
    const samples = cacheStatus.startsWith('freshtier; hit') ? observed.hits : observed.misses
    samples.add(performance.now() - intendedAt)
  }

  #track(observed: Observed, work: Promise<void>): void {
    this.#open += 1
    work
      .catch(() => {
        observed.errors += 1
      })
      .finally(() => {
        this.#open -= 1
      })
  }
}
