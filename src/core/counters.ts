import { FillTimes } from './fill-times.js'

/** Counts of one policy since the cache was made. Plain fields: a hit must not cost more than an addition. */
export class PolicyCounters {
  memoryHits = 0
  diskHits = 0
  sharedHits = 0
  staleHits = 0
  misses = 0
  joined = 0
  fills = 0
  fillErrors = 0
  fillTotalMs = 0
  fillMaxMs = 0
  readonly fillTimes = new FillTimes()
  /** How long a fill that succeeds takes lately: the mean, with a fifth of the weight on the last one. */
  usualFillMs: number | undefined
  notStored = 0
  fenced = 0
  followed = 0
}
