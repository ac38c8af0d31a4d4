import { setTimeout as sleep } from 'node:timers/promises'
import type { CacheMetrics } from '../cache/cache-monitor.js'
import type { EventChecker } from './event-checker.js'
import type { HttpClient } from './http-client.js'
import { type MachineUse, watchMachine } from './machine-use.js'
import type { Samples } from './samples.js'
import { Observed, type Rates, type Scenario } from './scenario.js'

type Summary = ReturnType<Samples['summary']>

/** One stretch of load with what server and clients counted in it. */
export interface Measurement {
  readonly seconds: number
  readonly rates: Rates
  readonly dashboards: number
  readonly plainReadings: number
  readonly stateChanges: number
  readonly errors: number
  /** The server's own count: every question asked of the cache, also those that an event caused. */
  readonly requests: number
  readonly hits: number
  readonly fills: number
  readonly invalidations: number
  readonly hitRatio: number | null
  readonly queriesSaved: number
  /** Counted by the dashboards from `Cache-Status`, without what events caused. */
  readonly dashboardHitRatio: number | null
  /** Over HTTP, from the moment the request was meant to be sent. */
  readonly hitMs: Summary
  readonly missMs: Summary
  readonly writeMs: Summary
  /** A state change that was meant to be sent, to the answer asked for after its event. */
  readonly writeToFreshReadMs: Summary
  readonly refetchMs: Summary
  readonly driverLateMs: Summary
  readonly serverRssMb: number
  readonly serverHeapMb: number
  readonly serverLoopDelayP99Ms: number
  readonly machine: MachineUse
}

export interface MeasureOptions {
  readonly client: HttpClient
  readonly token: string
  readonly scenario: Scenario
  readonly checker: EventChecker
  readonly rates: Rates
  readonly seconds: number
  /** Ends sooner when this is true. */
  readonly until?: () => boolean
  readonly progress: (text: string) => void
}

const SETTLE_MS = 15_000

/** Plays `rates` for so long, waits for the last answers, and takes the difference of the server's counts. */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { client, token, scenario, checker, rates, seconds, progress } = options
  const readMetrics = (): Promise<CacheMetrics> => client.json<CacheMetrics>('GET', '/api/cache', { token })
  const before = await readMetrics()
  const machine = watchMachine(before.process.cpuSeconds)
  checker.beginStretch()
  const observed = new Observed()
  const stop = new AbortController()
  const startedAt = performance.now()
  scenario.run(rates, observed, stop.signal)

  let loopDelay = 0
  const elapsed = (): number => (performance.now() - startedAt) / 1_000
  while (elapsed() < seconds && !options.until?.()) {
    await sleep(Math.min(1_000, 1_000 * (seconds - elapsed())))
    const { process } = await readMetrics()
    loopDelay = Math.max(loopDelay, process.loopDelayP99Ms)
    progress(
      `${Math.round(elapsed())} s  ${observed.dashboards} dashboards  ${observed.stateChanges} state changes  ${checker.events} events checked`,
    )
  }
  stop.abort()
  const ran = elapsed()
  await settle(scenario, checker)
  const after = await readMetrics()
  return summarise({
    observed,
    checker,
    before,
    after,
    seconds: ran,
    rates,
    loopDelay,
    machine: machine(after.process.cpuSeconds),
  })
}

async function settle(scenario: Scenario, checker: EventChecker): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  while ((scenario.open > 0 || !checker.isSettled) && performance.now() < deadline) await sleep(20)
}

function summarise(run: {
  observed: Observed
  checker: EventChecker
  before: CacheMetrics
  after: CacheMetrics
  seconds: number
  rates: Rates
  loopDelay: number
  machine: MachineUse
}): Measurement {
  const { observed, checker, before, after, seconds, rates, loopDelay, machine } = run
  const requests = after.total.requests - before.total.requests
  const hits = after.total.hits - before.total.hits
  const fills = after.total.fills - before.total.fills
  const answers = observed.hits.count + observed.misses.count
  return {
    seconds: Math.round(seconds),
    rates,
    dashboards: observed.dashboards,
    plainReadings: observed.plainReadings,
    stateChanges: observed.stateChanges,
    errors: observed.errors,
    requests,
    hits,
    fills,
    invalidations: after.total.invalidations - before.total.invalidations,
    hitRatio: requests > 0 ? hits / requests : null,
    queriesSaved: requests - fills,
    dashboardHitRatio: answers > 0 ? observed.hits.count / answers : null,
    hitMs: observed.hits.summary(),
    missMs: observed.misses.summary(),
    writeMs: observed.writes.summary(),
    writeToFreshReadMs: checker.writeToFreshRead.summary(),
    refetchMs: checker.refetches.summary(),
    driverLateMs: observed.lateness.summary(),
    serverRssMb: Math.round(after.process.rssBytes / 1024 ** 2),
    serverHeapMb: Math.round(after.process.heapBytes / 1024 ** 2),
    serverLoopDelayP99Ms: loopDelay,
    machine,
  }
}
