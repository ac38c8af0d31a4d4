import type { Clock } from './ports/clock.js'
import type { Random } from './ports/random.js'
import type { RegisteredPolicy } from './space.js'

/**
 * Whether a value that is still fresh should be filled anew now, in the background. The chance rises as the end comes
 * near, and the sooner the longer a fill takes, so that of many readers about one refreshes before the value is over and
 * nobody waits.
 *
 * A. Vattani, F. Chierichetti, K. Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015:
 * https://www.vldb.org/pvldb/vol8/p886-vattani.pdf
 */
export function isRefreshDue(
  { rules, counters }: RegisteredPolicy,
  freshUntilMs: number,
  { clock, random }: { clock: Clock; random: Random },
): boolean {
  const aheadMs = (counters.usualFillMs ?? 0) * rules.refreshAheadBeta
  if (aheadMs === 0) return false
  // 1 - next() is never 0: the logarithm is finite.
  return clock.coarseNow() - aheadMs * Math.log(1 - random.next()) >= freshUntilMs
}
