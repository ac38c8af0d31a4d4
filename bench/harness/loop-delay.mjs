import { monitorEventLoopDelay } from 'node:perf_hooks'

const INTERVAL_MS = 1

/**
 * Watches how late the event loop is, from now until `stop`. Node counts from one tick of its timer to the next, which on
 * an idle loop is the interval that was asked for; only what comes on top is delay.
 *
 * @returns {{ stop(): { p50Ms: number, p99Ms: number, maxMs: number } }}
 */
export function watchLoop() {
  const delay = monitorEventLoopDelay({ resolution: INTERVAL_MS })
  const late = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - INTERVAL_MS)
  delay.enable()
  return {
    stop() {
      delay.disable()
      return { p50Ms: late(delay.percentile(50)), p99Ms: late(delay.percentile(99)), maxMs: late(delay.max) }
    },
  }
}
