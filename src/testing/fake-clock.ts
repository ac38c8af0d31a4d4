import type { CancelTimer, Clock } from '../core/ports/clock.js'

export interface FakeClock extends Clock {
  /**
   * Moves time on. Timers that fall due run in the order of their time, those of one moment in the order in which they
   * were set; between them everything that promises can do without time happens.
   */
  advance(ms: number): Promise<void>
  /** Lets promises settle without moving time. */
  settle(): Promise<void>
  /** Moves only `wallNow`, as an administrator or NTP does. */
  wallOffsetMs: number
  /** Timers set and neither run nor cancelled. */
  readonly pendingTimers: number
}

interface Timer {
  readonly run: () => void
  readonly dueAt: number
}

/** A clock that stands still until a test moves it. */
export function fakeClock({ startMs = 1_000, wallStartMs = Date.UTC(2026, 0, 1) } = {}): FakeClock {
  const timers = new Set<Timer>()
  let nowMs = startMs

  const setTimer = (run: () => void, delayMs: number): CancelTimer => {
    const timer = { run, dueAt: nowMs + Math.max(0, delayMs) }
    timers.add(timer)
    return () => void timers.delete(timer)
  }

  const clock: FakeClock = {
    wallOffsetMs: 0,
    now: () => nowMs,
    coarseNow: () => nowMs,
    wallNow: () => wallStartMs - startMs + nowMs + clock.wallOffsetMs,
    setTimer,
    setHousekeepingTimer: setTimer,
    get pendingTimers() {
      return timers.size
    },
    settle,
    async advance(ms) {
      const until = nowMs + ms
      await settle()
      for (let timer = nextDue(timers, until); timer; timer = nextDue(timers, until)) {
        timers.delete(timer)
        nowMs = Math.max(nowMs, timer.dueAt)
        timer.run()
        await settle()
      }
      nowMs = Math.max(nowMs, until)
    },
  }
  return clock
}

/** A macrotask of the real loop: by then every chain of promises that needs no time has ended. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** A set keeps the order of insertion, so that the first of equals was set first. */
function nextDue(timers: ReadonlySet<Timer>, untilMs: number): Timer | undefined {
  let next: Timer | undefined
  for (const timer of timers) {
    if (timer.dueAt <= untilMs && (next === undefined || timer.dueAt < next.dueAt)) next = timer
  }
  return next
}
