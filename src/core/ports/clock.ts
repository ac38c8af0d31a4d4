/** Stops a timer; calling it again does nothing. */
export type CancelTimer = () => void

/**
 * The only source of time. Everything that waits, expires or measures goes through it, so that a test can move time
 * and a simulation can bend it.
 */
export interface Clock {
  /** Monotonic milliseconds, exact. */
  now(): number
  /**
   * The same time line, but read at most once a turn of the event loop and at every 128th call: what the hot path uses,
   * because reading the real clock costs as much as the look-up itself.
   */
  coarseNow(): number
  /** Milliseconds since the Unix epoch: for people, and to notice that the process was frozen. */
  wallNow(): number
  /** Runs `run` once after `delayMs`. Keeps the process alive meanwhile. */
  setTimer(run: () => void, delayMs: number): CancelTimer
  /** As `setTimer`, but never keeps the process alive. */
  setHousekeepingTimer(run: () => void, delayMs: number): CancelTimer
}
