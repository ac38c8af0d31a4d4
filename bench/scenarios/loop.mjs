import { openContender } from '../contenders/index.mjs'
import { watchLoop } from '../harness/loop-delay.mjs'
import { TRACE_LENGTH, valueFor, workload } from '../harness/workload.mjs'

const CONTENDERS = [
  'Map by hand',
  'lru-cache fetch',
  'layered-loader',
  'async-cache-dedupe',
  'bentocache',
  'cacheable',
  'freshtier w-tinylfu',
  'freshtier lru',
]
const KEYS = 100_000
const CAPACITY = 10_000
const CALLS_PER_TICK = 200
const TICK_MS = 5
const WARM_UP_MS = 1_000
const MEASURED_MS = 3_000

/**
 * 40,000 reads a second over ten times more keys than fit, so that misses, fills and evictions go on all the time;
 * whoever does too much in one turn shows in the delay of the event loop.
 */
export const scenario = {
  name: 'loop',
  question: 'how long does the event loop wait under load, with misses and evictions?',
  figures: [
    { name: 'p50Ms', title: 'p50 ms', digits: 2 },
    { name: 'p99Ms', title: 'p99 ms', digits: 2 },
    { name: 'maxMs', title: 'max ms', digits: 2 },
    { name: 'busyShare', title: 'busy', digits: 2 },
    { name: 'hitShare', title: 'hits', digits: 2 },
  ],
  ratios: [{ figure: 'busyShare', to: 'lru-cache fetch' }],

  cases: () =>
    CONTENDERS.map((contender) => ({
      group: `${(CALLS_PER_TICK * 1_000) / TICK_MS} reads a second, ${KEYS / 1_000}k keys, room for ${CAPACITY / 1_000}k`,
      contender,
      spec: { contender },
    })),

  async measure({ contender }) {
    let fills = 0
    const fill = async (key) => {
      fills++
      await new Promise((resolve) => setImmediate(resolve))
      return valueFor(key)
    }
    const side = await openContender(contender, { capacity: CAPACITY, ttlMs: 60_000, fill })
    const { trace, keys } = workload(KEYS)
    let calls = 0
    const tick = () =>
      Promise.all(Array.from({ length: CALLS_PER_TICK }, () => side.getOrFill(keys[trace[calls++ % TRACE_LENGTH]])))

    await play(tick, WARM_UP_MS)
    const filled = fills
    const called = calls
    const before = performance.eventLoopUtilization()
    const loop = watchLoop()
    await play(tick, MEASURED_MS)
    return {
      ...loop.stop(),
      busyShare: performance.eventLoopUtilization(before).utilization,
      hitShare: 1 - (fills - filled) / (calls - called),
    }
  },
}

/** Open loop: the next tick comes when it is due, whether the one before is done or not. */
async function play(tick, forMs) {
  const pending = new Set()
  const until = performance.now() + forMs
  for (let dueAt = performance.now(); dueAt < until; dueAt += TICK_MS) {
    const work = tick().finally(() => pending.delete(work))
    pending.add(work)
    await new Promise((resolve) => setTimeout(resolve, dueAt + TICK_MS - performance.now()))
  }
  await Promise.all(pending)
}
