import { seededRandom } from '../../src/testing/index.js'

/** What may go wrong. Each run suffers some of these (swarm testing): all at once would hide each other. */
export const FAULTS = [
  'request-lost',
  'reply-lost',
  'late',
  'resent',
  'reordered',
  'push-lost',
  'push-repeated',
  'reset',
  'partition',
  'server-frozen',
  'process-frozen',
  'crash',
  'trim',
  'log-lost',
  'eviction',
  'flush',
  'failover',
  'wall-jump',
  'server-clock-jump',
  'slow-fill',
  'failing-fill',
] as const

export type Fault = (typeof FAULTS)[number]

/** One run, in full: the same scenario always gives the same history. */
export interface Scenario {
  readonly seed: number
  readonly faults: readonly Fault[]
  readonly processes: number
  readonly durationMs: number
  readonly calls: number
  /** Share of calls that change the row. */
  readonly writes: number
  /** Values are also stored by `set`; then writers take turns, because stores at once are ordered by the server (A7). */
  readonly sets: boolean
  /** Short lives and stale-while-revalidate, so that refreshes run all the time. */
  readonly aging: boolean
  /** Processes without memory. */
  readonly sharedOnly: boolean
  /** Invalidations that nobody acknowledges are queued; their process must not see the old value again. */
  readonly queues: boolean
  /** Some callers read, compute and store through a sync view. */
  readonly views: boolean
}

export function scenarioOf(seed: number, changes: Partial<Scenario> = {}): Scenario {
  const random = seededRandom(seed)
  const share = 0.1 + random.next() * 0.5
  const faults = FAULTS.filter(() => random.next() < share)
  return {
    seed,
    faults,
    processes: 2 + random.integer(2),
    durationMs: 600 + random.integer(900),
    calls: 80 + random.integer(120),
    writes: 0.1 + random.next() * 0.3,
    sets: random.next() < 0.25,
    aging: random.next() < 0.3,
    sharedOnly: random.next() < 0.15,
    queues: random.next() < 0.25,
    views: random.next() < 0.25,
    ...changes,
  }
}

/** The arguments of `npm run simulate` that play a scenario again. */
export function toldScenario({ seed, faults, durationMs, calls, processes }: Scenario): string {
  return `--seed ${seed} --faults ${faults.join(',') || 'none'} --duration ${durationMs} --calls ${calls} --processes ${processes}`
}
