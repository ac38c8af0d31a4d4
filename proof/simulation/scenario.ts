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
  'log-unread',
  'reset',
  'partition',
  'server-frozen',
  'process-frozen',
  'crash',
  'power-cut',
  'restart',
  'disk-slow',
  'disk-failing',
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

/** The bound of every process, in all scenarios. */
export const MAX_STALENESS_MS = 80

export type Fault = (typeof FAULTS)[number]

/** One run, in full: the same scenario always gives the same history. */
export interface Scenario {
  readonly seed: number
  readonly faults: readonly Fault[]
  readonly processes: number
  readonly durationMs: number
  readonly calls: number
  /** Share of calls that change a row. */
  readonly writes: number
  /** Values are also stored by `set`; then writers take turns, because stores at once are ordered by the server (A7). */
  readonly sets: boolean
  /** Short lives, stale-while-revalidate and refreshes ahead, so that refreshes run all the time. */
  readonly aging: boolean
  /** Processes without memory. */
  readonly sharedOnly: boolean
  /** Each process has a disk, and whoever comes after it begins warm. */
  readonly disk: boolean
  /** Invalidations that nobody acknowledges are queued; their process must not see the old value again. */
  readonly queues: boolean
  /** Some callers read, compute and store through a sync view. */
  readonly views: boolean
  /** Every tenant has the same keys; nobody's calls touch another's. */
  readonly tenants: number
  /** Logs, as on a cluster. */
  readonly shards: number
  /** Rows come and go: "there is none" is an answer, too. */
  readonly gone: boolean
  /** Tags come with the values, from the fill, not from the policy. */
  readonly lateTags: boolean
  /**
   * Fills read a replica that lags: 'tell': the primary where they are told to; 'shortTtl': always, so that nothing may live
   * long that began within the lag. Rows are deleted by key: all else leaves no mark.
   */
  readonly replicas: 'tell' | 'shortTtl' | false
  /** Nobody polls: the log is looked at when a read needs it. */
  readonly onDemand: boolean
  /** Memory goes on answering while the log is out of reach, for so much longer than the bound. */
  readonly servesOutages: boolean
  /** What a follower does whose leader takes too long; false: nobody follows. */
  readonly followers: 'fill' | 'hedge' | 'throw' | false
  /** Memory, disk and the shared tier have no room for everything: entries leave, and some values are too large. */
  readonly small: boolean
  /** Some changes invalidate softly. */
  readonly soft: boolean
  /** What other tiers hold is checked by a schema that takes its time. */
  readonly checked: boolean
  /** Now and then a log cannot be read just when somebody changes what others read as the bound ends. */
  readonly aimed: boolean
  /** Messages take at most so long, unless they are late. */
  readonly latencyMs: number
}

const FOLLOWERS = ['fill', 'fill', 'fill', 'hedge', 'throw', false] as const

/** Where fills may read a replica, what takes the marks away that tell them not to is beyond the promise. */
const NOT_WITH_REPLICAS: readonly Fault[] = ['flush', 'failover', 'server-clock-jump']

export function scenarioOf(seed: number, changes: Partial<Scenario> = {}): Scenario {
  const random = seededRandom(seed)
  const share = 0.1 + random.next() * 0.5
  const faults = FAULTS.filter(() => random.next() < share)
  const isOfReplicas = random.next() < 0.1
  const replicas = changes.replicas ?? (isOfReplicas && (seed % 2 === 0 ? 'tell' : 'shortTtl'))
  return {
    seed,
    faults: replicas ? faults.filter((fault) => !NOT_WITH_REPLICAS.includes(fault)) : faults,
    processes: 2 + random.integer(2),
    durationMs: 600 + random.integer(900),
    calls: 80 + random.integer(120),
    writes: 0.1 + random.next() * 0.3,
    sets: random.next() < 0.25 && !replicas,
    aging: random.next() < 0.3,
    sharedOnly: random.next() < 0.15,
    disk: random.next() < 0.35,
    queues: random.next() < 0.25 && replicas !== 'shortTtl',
    views: random.next() < 0.25,
    tenants: random.next() < 0.3 ? 2 : 1,
    shards: random.next() < 0.3 ? 2 : 1,
    gone: random.next() < 0.25,
    lateTags: random.next() < 0.25,
    replicas,
    onDemand: random.next() < 0.15,
    servesOutages: random.next() < 0.1,
    followers: FOLLOWERS[random.integer(FOLLOWERS.length)]!,
    small: random.next() < 0.25,
    // How long a stale value may stand in is told by the server's clock.
    soft: random.next() < 0.25 && !faults.includes('server-clock-jump'),
    checked: random.next() < 0.15,
    aimed: random.next() < 0.35,
    latencyMs: random.next() < 0.3 ? 12 : 5,
    ...changes,
  }
}

/** The arguments of `npm run simulate` that play a scenario again. */
export function toldScenario(scenario: Scenario): string {
  const { seed, faults, durationMs, calls, processes } = scenario
  const own = scenarioOf(seed)
  const without = SWITCHES.filter((name) => own[name] && !scenario[name])
  const told = `--seed ${seed} --faults ${faults.join(',') || 'none'} --duration ${durationMs} --calls ${calls} --processes ${processes}`
  return without.length === 0 ? told : `${told} --without ${without.join(',')}`
}

/** What a smaller scenario may do without. */
export const SWITCHES = [
  'sets',
  'aging',
  'sharedOnly',
  'disk',
  'queues',
  'views',
  'gone',
  'lateTags',
  'replicas',
  'onDemand',
  'servesOutages',
  'small',
  'soft',
  'checked',
  'aimed',
] as const
