import { monitorEventLoopDelay } from 'node:perf_hooks'
import { inScratch, jsonOf, percentile } from '../disk/scratch.mjs'
import { openStore, rivals } from '../disk/stores.mjs'

const KINDS = {
  '2,000 operations a second of 16 KB': { bytes: 16 * 1024, perTick: 10, tickMs: 5, keys: 500 },
  '64 × 1 MB under way': { bytes: 1024 * 1024, perTick: 64, tickMs: 0, keys: 64 },
}
const MEASURED_MS = 3_000

/** Half reads, half writes, paced or as many as go: whoever does too much in one turn shows in the loop's delay. */
export const scenario = {
  name: 'disk-loop',
  question: 'how long does the event loop wait for a store on disk?',
  figures: [
    { name: 'p99Ms', title: 'p99 ms', digits: 2 },
    { name: 'maxMs', title: 'max ms', digits: 2 },
    { name: 'operationMs', title: 'p50 op ms', digits: 2 },
  ],
  ratios: [{ figure: 'p99Ms', to: 'raw pread/pwrite' }],

  cases: () =>
    Object.keys(KINDS).flatMap((group) =>
      ['raw pread/pwrite', 'freshtier', ...rivals()].map((contender) => ({
        group,
        contender,
        spec: { group, contender },
      })),
    ),

  measure: ({ group, contender }) =>
    inScratch(async (directory) => {
      const { bytes, perTick, tickMs, keys } = KINDS[group]
      const store = await openStore(contender, directory)
      const value = jsonOf(bytes)
      for (let n = 0; n < keys; n++) await store.set(`k${n}`, value)
      const times = []
      let next = 0
      const one = async () => {
        const key = `k${(next * 7919) % keys}`
        const startedAt = performance.now()
        if (next++ % 2 === 0) await store.set(key, value)
        else await store.get(key)
        times.push(performance.now() - startedAt)
      }
      const delay = monitorEventLoopDelay({ resolution: 1 })
      await one()
      delay.enable()
      for (const until = performance.now() + MEASURED_MS; performance.now() < until; ) {
        const batch = Promise.all(Array.from({ length: perTick }, one))
        if (tickMs === 0) await batch
        await new Promise((resolve) => setTimeout(resolve, tickMs))
      }
      delay.disable()
      await store.close()
      times.sort((a, b) => a - b)
      // The histogram counts from the timer's own millisecond.
      return { p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6, operationMs: percentile(times, 0.5) }
    }),
}
