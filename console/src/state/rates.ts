import type { HistoryPoint } from '../../../src/observe/console/console-history.ts'

/** What happened between each two looks of the last ten minutes: what charts draw. */
export interface Rates {
  /** Seconds since the Unix epoch. */
  readonly times: readonly number[]
  /** Null where nobody asked. */
  readonly hitRatio: readonly (number | null)[]
  readonly fills: readonly number[]
  readonly fillErrors: readonly number[]
  readonly invalidations: readonly number[]
  /** Null where nothing was filled. */
  readonly fillMs: readonly (number | null)[]
}

export function ratesOf(points: readonly HistoryPoint[]): Rates {
  const pairs = points.slice(1).map((now, index) => [points[index]!, now] as const)
  const per = (pick: (point: HistoryPoint) => number): number[] =>
    pairs.map(([before, now]) => (pick(now) - pick(before)) / ((now.at - before.at) / 1_000))
  const share = (part: (point: HistoryPoint) => number, of: (point: HistoryPoint) => number): (number | null)[] =>
    pairs.map(([before, now]) => {
      const whole = of(now) - of(before)
      return whole > 0 ? (part(now) - part(before)) / whole : null
    })
  return {
    times: pairs.map(([, now]) => now.at / 1_000),
    hitRatio: share(
      ({ hits, staleHits }) => hits + staleHits,
      ({ requests }) => requests,
    ),
    fills: per(({ fills }) => fills),
    fillErrors: per(({ fillErrors }) => fillErrors),
    invalidations: per(({ invalidations }) => invalidations),
    fillMs: share(
      ({ fillTotalMs }) => fillTotalMs,
      ({ fills }) => fills,
    ),
  }
}
