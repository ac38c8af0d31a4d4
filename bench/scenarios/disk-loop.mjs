import { inScratch, jsonOf, percentile } from '../disk/scratch.mjs'
import { openStore, rivals } from '../disk/stores.mjs'
import { times, withTargets } from '../disk/verdicts.mjs'
import { watchLoop } from '../harness/loop-delay.mjs'
import { target } from '../harness/targets.mjs'

const RAW = 'raw pread/pwrite'
const PACED = '2,000 operations a second of 16 KB'
const LARGE = '64 × 1 MB under way'
const HUGE = 'one value of 50 MB after the other'
const KINDS = {
  [PACED]: { bytes: 16 * 1024, perTick: 10, tickMs: 5, keys: 500, contenders: () => [RAW, 'freshtier', ...rivals()] },
  [LARGE]: { bytes: 1024 * 1024, perTick: 64, tickMs: 0, keys: 64, contenders: () => [RAW, 'freshtier', ...rivals()] },
  [HUGE]: {
    bytes: 50_000_000,
    perTick: 1,
    tickMs: 0,
    keys: 2,
    contenders: () => [RAW, 'freshtier', 'freshtier gzip 1', 'freshtier gzip 9', 'file + rename'],
  },
}
const MEASURED_MS = 3_000

/** Half reads, half writes, paced or as many as go: whoever does too much in one turn shows in the loop's delay. */
export const scenario = {
  name: 'disk-loop',
  question: 'how long does the event loop wait for a store on disk?',
  rounds: 3,
  figures: [
    { name: 'p99Ms', title: 'p99 ms', digits: 2 },
    { name: 'maxMs', title: 'max ms', digits: 2 },
    { name: 'operationMs', title: 'p50 op ms', digits: 2 },
  ],
  ratios: [{ figure: 'p99Ms', to: RAW }],

  cases: () =>
    Object.entries(KINDS).flatMap(([group, { contenders }]) =>
      contenders().map((contender) => ({ group, contender, spec: { group, contender } })),
    ),

  measure: ({ group, contender }) =>
    inScratch(async (directory) => {
      const { bytes, perTick, tickMs, keys } = KINDS[group]
      const store = await openStore(contender, directory)
      const value = jsonOf(bytes)
      for (let n = 0; n < keys; n++) await store.set(`k${n}`, value)
      const durations = []
      let next = 0
      const one = async () => {
        const key = `k${(next * 7919) % keys}`
        const startedAt = performance.now()
        if (next++ % 2 === 0) await store.set(key, value)
        else await store.get(key)
        durations.push(performance.now() - startedAt)
      }
      await one()
      const batches = []
      const loop = watchLoop()
      for (const until = performance.now() + MEASURED_MS; performance.now() < until; ) {
        const batch = Promise.all(Array.from({ length: perTick }, one))
        if (tickMs === 0) await batch
        else batches.push(batch)
        await new Promise((resolve) => setTimeout(resolve, tickMs))
      }
      const { p99Ms, maxMs } = loop.stop()
      await Promise.all(batches)
      await store.close()
      durations.sort((a, b) => a - b)
      return { p99Ms, maxMs, operationMs: percentile(durations, 0.5) }
    }),

  conclude: withTargets((median) => [
    target(`${PACED}: p99 ÷ raw`, times(median(PACED, 'freshtier', 'p99Ms'), median(PACED, RAW, 'p99Ms')), {
      atMost: 1.5,
      unit: '×',
    }),
    target(`${PACED}: max`, median(PACED, 'freshtier', 'maxMs'), { atMost: 10, unit: ' ms' }),
    target(`${LARGE}: p99`, median(LARGE, 'freshtier', 'p99Ms'), { atMost: 10, unit: ' ms' }),
    ...['freshtier', 'freshtier gzip 1', 'freshtier gzip 9'].map((contender) =>
      target(`S4-8, ${HUGE}, ${contender}: p99`, median(HUGE, contender, 'p99Ms'), { atMost: 10, unit: ' ms' }),
    ),
  ]),
}
