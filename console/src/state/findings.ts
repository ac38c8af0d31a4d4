import type { CacheSnapshot } from '../../../src/observe/console/console-snapshot.ts'
import { counted } from '../ui/format.ts'
import type { Tone } from '../ui/tone.tsx'
import { recentOfPolicy } from './figures.ts'
import { minuteAgo } from './store.ts'

/** Something that somebody should know now. */
export interface Finding {
  readonly tone: Tone
  readonly says: string
  /** The view that shows more. */
  readonly view: string
}

/** What is wrong or wants a look, the worst first. */
export function findingsOf(cache: CacheSnapshot): Finding[] {
  const found = [...tierFindings(cache), ...boundFindings(cache), ...fillFindings(cache)]
  return found.sort((a, b) => Number(b.tone === 'broken') - Number(a.tone === 'broken'))
}

function tierFindings({ name, health, stats }: CacheSnapshot): Finding[] {
  const found: Finding[] = []
  const add = (tone: Tone, says: string): void => void found.push({ tone, says, view: 'tiers' })
  if (health.status === 'fail') add('broken', health.message ?? 'The cache cannot be used.')
  for (const [tier, { status, message }] of Object.entries(health.tiers)) {
    if (status === 'fail') add('broken', `${tier} does not answer: ${message ?? 'no reason given'}`)
  }
  const before = minuteAgo(name).cache?.stats.tiers
  for (const [tier, { errors = 0, damaged = 0, fencing, pressure }] of Object.entries(stats.tiers)) {
    if (fencing === 'none') add('broken', `${tier} cannot fence: a late fill may store an old value`)
    if (pressure?.isShrunk) add('look', `${tier} gives up room, because the process is short of memory`)
    if (damaged > 0) add('look', `${tier}: ${counted(damaged, 'record')} could not be read as written`)
    const failed = errors - (before?.[tier]?.errors ?? errors)
    if (failed > 0) add('look', `${tier}: ${counted(failed, 'command')} failed in the last minute`)
  }
  return found
}

function boundFindings({ name, stats }: CacheSnapshot): Finding[] {
  const { staleness, queuedInvalidations, fenced } = stats
  const before = minuteAgo(name).cache?.stats
  const found: Finding[] = []
  const view = 'invalidations'
  if (!staleness.isCurrent) {
    found.push({ tone: 'look', says: 'Memory may not vouch for itself: the log cannot be followed', view })
  }
  if (queuedInvalidations > 0) {
    found.push({ tone: 'look', says: `${counted(queuedInvalidations, 'invalidation')} not delivered yet`, view })
  }
  const beyond = staleness.outageHits - (before?.staleness.outageHits ?? staleness.outageHits)
  if (beyond > 0) found.push({ tone: 'look', says: `${counted(beyond, 'read')} beyond the staleness bound`, view })
  const late = fenced - (before?.fenced ?? fenced)
  if (late > 0) {
    found.push({
      tone: 'look',
      says: `${counted(late, 'fill')} overtaken by an invalidation, and not stored`,
      view: 'fills',
    })
  }
  return found
}

function fillFindings(cache: CacheSnapshot): Finding[] {
  return Object.keys(cache.stats.policies).flatMap((policy): Finding[] => {
    const { fillErrors, fills } = recentOfPolicy(cache, policy)
    if (fillErrors === 0) return []
    const tone = fillErrors > fills ? 'broken' : 'look'
    return [{ tone, says: `${policy}: ${counted(fillErrors, 'fill')} failed in the last minute`, view: 'fills' }]
  })
}
