import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from './database.js'
import type { DrillService } from './service.js'

const PACE_MS = 20
const TENANTS = ['org-1', 'org-2', 'org-7']
const KEYS = ['a', 'b', 'c', 'd']
/** The staleness bound of the drills' services, and what this process itself may be late by. */
const BOUND_MS = 1_000

/**
 * Requests that go on through the whole drill, whatever breaks: each must be answered, and never with anything older
 * than what was invalidated and acknowledged longer ago than the staleness bound.
 */
export class Traffic {
  answered = 0
  readonly faults: string[] = []
  readonly #services: readonly DrillService[]
  readonly #database: Database
  readonly #changesEvery: number
  readonly #acknowledged = new Map<string, { version: number; atMs: number }[]>()
  readonly #ended: Promise<void>
  #isOver = false

  /** @param changesEvery turns between two writes, which go to the last of the services; 0 = none. */
  constructor(services: readonly DrillService[], database: Database, changesEvery: number) {
    this.#services = services
    this.#database = database
    this.#changesEvery = changesEvery
    this.#ended = this.#run()
  }

  /** What the database has now was invalidated, and that is acknowledged. */
  acknowledged(tenant: string, key: string): void {
    const name = `${tenant} ${key}`
    const all = this.#acknowledged.get(name) ?? []
    all.push({ version: this.#database.version(tenant, key), atMs: performance.now() })
    this.#acknowledged.set(name, all)
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#ended
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      const tenant = TENANTS[turn % TENANTS.length]!
      const key = KEYS[Math.floor(turn / TENANTS.length) % KEYS.length]!
      await Promise.all(this.#services.map((service) => this.#ask(service, tenant, key)))
      if (this.#changesEvery > 0 && turn % this.#changesEvery === 0) await this.#change(tenant, key)
      await pause(PACE_MS)
    }
  }

  async #change(tenant: string, key: string): Promise<void> {
    if (await this.#services.at(-1)!.change(tenant, key)) this.acknowledged(tenant, key)
  }

  async #ask(service: DrillService, tenant: string, key: string): Promise<void> {
    const startedAt = performance.now()
    try {
      const version = await service.order(tenant, key)
      this.answered++
      const due = this.#acknowledged.get(`${tenant} ${key}`)?.findLast(({ atMs }) => atMs < startedAt - BOUND_MS)
      if (due && version < due.version) this.faults.push(`${tenant} ${key} was ${version}, must be ${due.version}`)
    } catch (error) {
      this.faults.push(error instanceof Error ? error.message : String(error))
    }
  }
}
