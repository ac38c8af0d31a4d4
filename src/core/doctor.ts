import { insideOf } from './inside.js'
import type { NodeInspection, SharedInspection, SharedTier } from './ports/shared-tier.js'
import type { RegisteredPolicy } from './space.js'

/** One thing that was looked at. */
export interface DoctorFinding {
  readonly topic: string
  /** `look`: works, with a price that somebody should know; `broken`: a promise of the cache does not hold. */
  readonly level: 'good' | 'look' | 'broken'
  /** What was found. */
  readonly says: string
  /** What that means, and what to do about it. */
  readonly means: string
}

export interface DoctorReport {
  /** No finding is `broken`. */
  readonly isSound: boolean
  readonly findings: readonly DoctorFinding[]
  /** What the findings were taken from; undefined where there is no shared tier, or it tells nothing. */
  readonly inspection: SharedInspection | undefined
}

/** Where the clock of a server is so far off, its TTLs and ours are about different moments for people who compare them. */
const MAX_CLOCK_OFFSET_MS = 1_000

/** Fills of a policy below which a P99 says nothing. */
const MIN_FILLS = 10

/**
 * Looks at the servers behind a cache and says what they mean for it: eviction, head-room, replicas, persistence,
 * scripts, clocks, the staleness bound against the poll; and whether followers wait as long as fills of this process
 * take. Asks questions only; nothing is changed.
 *
 * ```ts
 * const { isSound, findings } = await doctor(cache)
 * for (const { level, says, means } of findings) console.log(level, says, means)
 * ```
 *
 * @throws InvalidOptionError if it was not made by `createCache`. A server that cannot be asked is a finding.
 */
export async function doctor(cache: object): Promise<DoctorReport> {
  const { shared, maxStalenessMs, policies } = insideOf(cache, 'doctor: cache')
  if (shared === undefined) {
    return report([good('tiers', 'memory only', 'nothing is shared, so that nothing outside can go wrong')])
  }
  const inspection = await shared.inspect?.()
  const findings = [
    bound(shared, maxStalenessMs),
    ...[...policies()].flatMap(patience),
    ...(inspection ? servers(inspection, shared) : []),
  ]
  return report(findings, inspection)
}

function report(findings: readonly DoctorFinding[], inspection?: SharedInspection): DoctorReport {
  return { isSound: findings.every(({ level }) => level !== 'broken'), findings, inspection }
}

function servers(inspection: SharedInspection, shared: SharedTier): DoctorFinding[] {
  const findings = inspection.nodes.flatMap((node) =>
    node.error === undefined
      ? [
          reach(node, shared),
          role(node),
          scripts(node, shared),
          publish(node),
          eviction(node),
          room(node, inspection),
          safety(node),
          clock(node),
        ]
      : [
          broken(
            'reach',
            `${at(node)}cannot be asked: ${node.error}`,
            'callers are answered by fills of this process alone',
          ),
        ],
  )
  return [...findings, subscribe(inspection, shared), ...budget(inspection)].filter((finding) => finding !== undefined)
}

function bound({ pollMs, commandTimeoutMs }: SharedTier, maxStalenessMs: number): DoctorFinding {
  const says = `maxStaleness ${maxStalenessMs} ms, poll every ${pollMs} ms, command timeout ${commandTimeoutMs} ms`
  if (pollMs === 0) return good('bound', says, 'no timer: the first read after the bound asks for the log, for all')
  const misses = Math.floor((maxStalenessMs - commandTimeoutMs) / pollMs)
  return good('bound', says, `${misses} polls in a row may fail before memory stops answering`)
}

/** A follower that gives up before most fills end does the work again: G6 does not hold for it. */
function patience({ name, rules, counters: { fillTimes } }: RegisteredPolicy): DoctorFinding[] {
  const { waits, waitMs, onTimeout } = rules.coordinate
  if (!waits || fillTimes.count < MIN_FILLS) return []
  const p99Ms = fillTimes.p99Ms
  const says = `policy '${name}': P99 of ${fillTimes.count} fills ${p99Ms.toFixed(0)} ms, followers wait ${waitMs} ms`
  if (p99Ms <= waitMs) return [good('patience', says, 'one process fills, the others get its value')]
  const then = onTimeout === 'throw' ? 'reject' : 'fill once more'
  return [look('patience', says, `followers give up before such a fill ends, and ${then}: raise waitMs (and leaseMs)`)]
}

function reach(node: NodeInspection, { commandTimeoutMs }: SharedTier): DoctorFinding {
  const { version = 'of unknown version', roundTripMs = 0 } = node
  const says = `${at(node)}Redis ${version}, round trip ${roundTripMs.toFixed(1)} ms`
  return roundTripMs * 2 > commandTimeoutMs
    ? look('reach', says, `more than half of the command timeout (${commandTimeoutMs} ms): calls will fail under load`)
    : good('reach', says, 'answers well within the command timeout')
}

function role(node: NodeInspection): DoctorFinding | undefined {
  if (node.role === undefined || node.role === 'master') return undefined
  return broken('role', `${at(node)}is a ${node.role}`, 'it lags behind and takes no writes; connect to the primary')
}

function scripts(node: NodeInspection, { fencing }: Pick<SharedTier, 'fencing'>): DoctorFinding | undefined {
  if (fencing === 'none') {
    return broken('scripts', `${at(node)}fencing is 'none'`, 'G1 is off: what an invalidation overtakes may be stored')
  }
  if (node.scripts === undefined) return undefined
  return node.scripts
    ? good('scripts', `${at(node)}runs scripts`, 'stores are fenced')
    : broken(
        'scripts',
        `${at(node)}refuses EVAL: ${node.refused?.scripts}`,
        "stores cannot be fenced: allow @scripting, and keys under the tier's prefix, to this user",
      )
}

function publish(node: NodeInspection): DoctorFinding | undefined {
  const refused = node.refused?.publish
  if (refused === undefined) return undefined
  const means = "no invalidation is acknowledged: allow this user the channels under the tier's prefix (&…)"
  return broken('publish', `${at(node)}refuses PUBLISH: ${refused}`, means)
}

function subscribe({ subscribeRefused }: SharedInspection, { pollMs }: SharedTier): DoctorFinding | undefined {
  if (subscribeRefused === undefined) return undefined
  const means = `what others invalidate is noticed by the poll alone, up to ${pollMs} ms later: allow +subscribe and the channels`
  return look('subscribe', `SUBSCRIBE is refused: ${subscribeRefused}`, means)
}

function eviction(node: NodeInspection): DoctorFinding | undefined {
  const { evictionPolicy, evictedKeys = 0, maxBytes = 0 } = node
  if (evictionPolicy === undefined) return undefined
  const says = `${at(node)}maxmemory-policy ${evictionPolicy}, ${evictedKeys} keys evicted so far`
  if (evictionPolicy === 'noeviction') {
    return good('eviction', says, 'when it is full it refuses writes; what a queue keeps there is never lost')
  }
  if (maxBytes === 0) return good('eviction', says, 'nothing is evicted, because there is no maxmemory')
  return evictionPolicy.startsWith('allkeys')
    ? look('eviction', says, 'when it is full anything may go, jobs of a queue too: BullMQ asks for noeviction')
    : look('eviction', says, 'when it is full entries and their clocks go first: misses, never an old value')
}

function room(node: NodeInspection, { highWaterMark = 1 }: SharedInspection): DoctorFinding | undefined {
  const { usedBytes, maxBytes, refused } = node
  if (refused?.info !== undefined) {
    const means = 'there is no high-water mark, and eviction, replicas and persistence are unknown: allow +info'
    return look('room', `${at(node)}refuses INFO: ${refused.info}`, means)
  }
  if (usedBytes === undefined || maxBytes === undefined) return undefined
  if (maxBytes === 0) {
    const means = 'it grows until the machine has no memory left; set maxmemory, or maxBytes for this cache'
    return look('room', `${at(node)}uses ${megabytes(usedBytes)}, no maxmemory`, means)
  }
  const share = usedBytes / maxBytes
  const says = `${at(node)}uses ${megabytes(usedBytes)} of ${megabytes(maxBytes)} (${Math.round(share * 100)} %)`
  return share >= highWaterMark
    ? look('room', says, 'above the high-water mark: this cache stores nothing more there until there is room')
    : good('room', says, `nothing is stored above ${Math.round(highWaterMark * 100)} %`)
}

function safety(node: NodeInspection): DoctorFinding | undefined {
  if (node.refused?.info !== undefined) return undefined
  const { replicas = 0, appendOnly, snapshots } = node
  const kept = appendOnly ? 'append-only file' : snapshots ? 'snapshots' : 'no persistence'
  const says = `${at(node)}${replicas === 1 ? '1 replica' : `${replicas} replicas`}, ${kept}`
  if (replicas > 0) {
    return look(
      'safety',
      says,
      'a failover may lose invalidations that were acknowledged a moment before: see guarantees',
    )
  }
  return appendOnly || snapshots
    ? look(
        'safety',
        says,
        'after a restart the newest invalidations may be missing; processes notice, and drop their memory',
      )
    : good('safety', says, 'after a restart it is empty, which is never wrong')
}

function clock(node: NodeInspection): DoctorFinding | undefined {
  const { clockOffsetMs, roundTripMs = 0 } = node
  if (clockOffsetMs === undefined) return undefined
  const says = `${at(node)}its clock is ${clockOffsetMs} ms ahead of ours, give or take ${(roundTripMs / 2).toFixed(1)} ms`
  return Math.abs(clockOffsetMs) - roundTripMs / 2 > MAX_CLOCK_OFFSET_MS
    ? look('clock', says, 'ages are taken from the server alone and stay right; times that people compare do not')
    : good('clock', says, 'ages are taken from the server alone')
}

function budget({ ownBytes, budgetBytes }: SharedInspection): DoctorFinding[] {
  if (ownBytes === undefined) return []
  const says = `entries of this cache take about ${megabytes(ownBytes)}`
  if (budgetBytes === undefined) return [good('budget', says, 'no budget of its own; maxBytes would set one')]
  return ownBytes >= budgetBytes
    ? [look('budget', `${says} of ${megabytes(budgetBytes)}`, 'nothing more is stored until some of them expire')]
    : [good('budget', `${says} of ${megabytes(budgetBytes)}`, 'within its budget')]
}

function at({ name }: NodeInspection): string {
  return name === '' ? '' : `${name}: `
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`
}

const good = finding('good')
const look = finding('look')
const broken = finding('broken')

function finding(level: DoctorFinding['level']): (topic: string, says: string, means: string) => DoctorFinding {
  return (topic, says, means) => ({ topic, level, says, means })
}
