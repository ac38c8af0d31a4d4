import type { DeletedMany, QueuedInvalidation, Receipt, Scope } from '../../src/index.js'
import { STALE_MS } from './row-fills.js'
import type { Row } from './rows.js'
import type { SimulatedProcess, Simulation } from './simulation.js'

/** A soft invalidation lets the stale value answer for as long as its policy says, whoever noticed it when. */
export const SOFT_MS = STALE_MS

interface Change {
  readonly process: SimulatedProcess
  readonly scope: Scope
  readonly row: Row
  readonly options: { whenUnavailable?: 'queue' }
}

/** What an acknowledgement looks like. A `set` and a purge have no receipt. */
type Acknowledged = Receipt | QueuedInvalidation | DeletedMany | undefined

interface Way {
  readonly name: string
  /** Readers may be given the old value for a while: so much later it counts as acknowledged. */
  readonly countsAfterMs?: number
  /** The rows that change: this one, or all of its tenant. */
  readonly isOfAll?: boolean
  run(change: Change): Promise<Acknowledged>
}

/** The calls that change rows and tell the caches, and what each of them is owed from then on. */
export class Writes {
  readonly #simulation: Simulation
  readonly #ways: readonly Way[]
  readonly #receipts: { token: string; places: ReadonlyMap<Row, number> }[] = []
  /** By client and row: the last queued change, which its own process must know. 0 = forgiven. */
  readonly #queued = new Map<string, { version: number }>()
  /** Failovers so far. */
  #failovers = 0

  constructor(simulation: Simulation) {
    this.#simulation = simulation
    this.#ways = waysOf(simulation)
  }

  get lastReceipt(): { token: string; places: ReadonlyMap<Row, number> } | undefined {
    return this.#receipts.at(-1)
  }

  /** What a client was promised otherwise than by an acknowledgement. */
  owed(client: number, row: Row): { readonly version: number } | undefined {
    return this.#queued.get(`${client} ${row.id}`)
  }

  /** Delivered or not, noticed or not: a failover may have lost it. */
  failedOver(): void {
    this.#failovers++
    for (const owed of this.#queued.values()) owed.version = 0
    this.#queued.clear()
  }

  play(process: SimulatedProcess, row: Row): void {
    const { random } = this.#simulation
    if (random.integer(7) === 0) this.#withoutChange(process, row)
    else this.#change(process, row)
  }

  /** Changes a row and invalidates it by a tag, if it may be. */
  playTag(process: SimulatedProcess, row: Row): void {
    this.#change(process, row, this.#ways.find(({ name }) => name === 'tag') ?? this.#ways[0]!)
  }

  /** Changes a row and deletes it by its key. */
  playKey(process: SimulatedProcess, row: Row): void {
    this.#change(process, row, this.#ways[0]!)
  }

  #anyWay(row: Row): Way {
    const ways = row.tenant === '' ? this.#ways.filter(({ name }) => name !== 'purge') : this.#ways
    return ways[this.#simulation.random.integer(ways.length)]!
  }

  #change(process: SimulatedProcess, row: Row, way = this.#anyWay(row)): void {
    const { random, scenario, rows, calls, time } = this.#simulation
    const { client } = process
    const { scope, view } = process.tenants.get(row.tenant)!
    const changed = way.isOfAll ? rows.of(row.tenant) : [row]
    if (scenario.sets && changed.some(({ isBeingWritten }) => isBeingWritten)) return
    const written = new Map<Row, number>()
    for (const one of changed) {
      one.change(time.now(), !scenario.gone || random.integer(3) > 0)
      one.isBeingWritten = scenario.sets
      written.set(one, one.version)
    }
    const what = `${calls.next()}: ${way.name} of ${changed.map(({ id, version }) => `${id}#${version}`).join(' ')} by ${client}`
    this.#simulation.note(what)
    if (view && way.isOfAll !== true && random.integer(6) === 0) {
      // Nobody is told when it is acknowledged.
      if (scenario.sets && random.integer(2) === 0) {
        view.set(row.key, row.value, { ...this.#simulation.fills.details.tags(row.key), authoritative: true })
      } else view.invalidate(row.key)
      return
    }
    const options = scenario.queues && random.integer(2) === 0 ? ({ whenUnavailable: 'queue' } as const) : {}
    const acknowledged = way.run({ process, scope, row, options }).then(async (reply) => {
      const failovers = this.#failovers
      if (way.countsAfterMs) await this.#simulation.sleep(way.countsAfterMs)
      if (reply?.state === 'queued') {
        this.#simulation.note(`${what} queued`)
        for (const [one, version] of written) this.#owe(client, one, version)
        return
      }
      this.#simulation.note(`${what} acknowledged`)
      const places = new Map<Row, number>()
      for (const one of written.keys()) one.isBeingWritten = false
      if (failovers !== this.#failovers) return
      for (const [one, version] of written) {
        places.set(one, one.history.acknowledge(version, time.now(), client))
      }
      if (reply !== undefined) this.#receipts.push({ token: reply.token, places })
    })
    calls.track(acknowledged, { what, process, isRead: false })
  }

  /** What promises nothing of a row, and must break no promise. */
  #withoutChange(process: SimulatedProcess, row: Row): void {
    const { random, fills, calls } = this.#simulation
    const { scope } = process.tenants.get(row.tenant)!
    const { policy } = fills
    const way = random.integer(4)
    const call =
      way === 0
        ? scope.invalidate({ tags: ['all'], soft: true })
        : way === 1
          ? scope.invalidate({ tags: [`one-${row.key}`], soft: true })
          : way === 2
            ? scope.invalidate({ entries: [[policy as never, row.key]], soft: true })
            : scope.invalidatePattern(policy, '*')
    const what = `${calls.next()}: ${way === 3 ? 'pattern' : 'soft'} invalidation ${way} of ${row.id} by ${process.client}`
    this.#simulation.note(what)
    calls.track(call, { what, process, isRead: false })
  }

  #owe(client: number, row: Row, version: number): void {
    const key = `${client} ${row.id}`
    this.#queued.set(key, { version: Math.max(version, this.#queued.get(key)?.version ?? 0) })
  }
}

function waysOf({ scenario, fills }: Simulation): Way[] {
  const { policy } = fills
  const byKey: Way[] = [
    { name: 'delete', run: ({ scope, row, options }) => scope.delete(policy, row.key, options) },
    { name: 'deleteMany', run: ({ scope, row, options }) => scope.deleteMany(policy, [row.key, 'other'], options) },
    {
      name: 'entries',
      run: ({ scope, row, options }) => scope.invalidate({ entries: [[policy as never, row.key]], ...options }),
    },
  ]
  const byClock: Way[] = [
    { name: 'tag', run: ({ scope, row, options }) => scope.invalidate({ tags: [`one-${row.key}`], ...options }) },
    {
      name: 'tag and entry',
      run: ({ scope, row, options }) =>
        scope.invalidate({ tags: [`one-${row.key}`], entries: [[policy as never, 'other']], ...options }),
    },
    { name: 'tag of all', isOfAll: true, run: ({ scope, options }) => scope.invalidate({ tags: ['all'], ...options }) },
    { name: 'clear', isOfAll: true, run: ({ scope, options }) => scope.clear(options) },
    {
      name: 'purge',
      isOfAll: true,
      run: async ({ process: { cache }, row }) => ({
        state: 'acknowledged',
        token: (await cache.purge(row.tenant)).cleared!,
      }),
    },
  ]
  const sets: Way[] = [
    {
      name: 'set',
      run: async ({ scope, row }) => void (await scope.set(policy, row.key, row.value, fills.details.tags(row.key))),
    },
    {
      name: 'setMany',
      run: async ({ scope, row }) => {
        const outcomes = await scope.setMany(policy, [[row.key, row.value]], fills.details.tags(row.key))
        const outcome = outcomes.get(row.key)!
        if (outcome.state === 'failed') throw outcome.error
        return undefined
      },
    },
  ]
  const warmed: Way[] = [
    {
      name: 'warm with values',
      run: async ({ scope, row }) => {
        const { errors } = await scope.warm(policy, [[row.key, row.value]] as never)
        if (errors.length > 0) throw errors[0]
        return undefined
      },
    },
  ]
  const softly = { countsAfterMs: SOFT_MS }
  const soft: Way[] = [
    {
      name: 'soft entry',
      ...softly,
      run: ({ scope, row }) => scope.invalidate({ entries: [[policy as never, row.key]], soft: true }),
    },
    {
      name: 'soft tag',
      ...softly,
      run: ({ scope, row }) => scope.invalidate({ tags: [`one-${row.key}`], soft: true }),
    },
    {
      name: 'soft tag of all',
      ...softly,
      isOfAll: true,
      run: ({ scope }) => scope.invalidate({ tags: ['all'], soft: true }),
    },
  ]
  return [
    ...byKey,
    ...(scenario.replicas ? [] : byClock),
    ...(scenario.soft ? (scenario.replicas ? soft.slice(0, 1) : soft) : []),
    ...(scenario.sets ? [...sets, ...sets] : []),
    // It can say nothing of tags.
    ...(scenario.sets && !scenario.lateTags ? warmed : []),
  ]
}
