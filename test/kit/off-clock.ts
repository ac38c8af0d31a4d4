import { systemClock } from '../../src/core/system-clock.js'
import type { Clock } from '../../src/index.js'

/** The real clock of a machine whose wall clock is wrong. */
export function offClock(offsetMs: number): Clock {
  return {
    now: () => systemClock.now(),
    coarseNow: () => systemClock.coarseNow(),
    wallNow: () => systemClock.wallNow() + offsetMs,
    setTimer: (run, delayMs) => systemClock.setTimer(run, delayMs),
    setHousekeepingTimer: (run, delayMs) => systemClock.setHousekeepingTimer(run, delayMs),
  }
}
