import { quartiles } from './quartiles.mjs'

const WARM_UP_MS = 300
const BATCH_MS = 20
const BATCHES = 15

/**
 * Nanoseconds per operation: the median of batches of about 20 ms, each long enough to hold its share of garbage
 * collection, the first ones thrown away.
 *
 * @param loop runs `count` operations from position `start` of its trace; may be asynchronous.
 * @param warmUpMs long enough for everything on the way to be compiled: slow operations take longer to be called often.
 * @param batches more where one differs much from the next.
 */
export async function nanosecondsPerOperation(loop, { warmUpMs = WARM_UP_MS, batches = BATCHES } = {}) {
  let done = 0
  const run = async (count) => {
    // Caches read their coarse clocks once a turn; between batches every one of them gets its turn.
    await new Promise((resolve) => setImmediate(resolve))
    const startedAt = process.hrtime.bigint()
    await loop(done, count)
    done += count
    return Number(process.hrtime.bigint() - startedAt)
  }
  let perOperation = 0
  // Before the warm-up, not after it: a full collection while nothing is under way throws compiled code away, of every
  // contender, and a third of what is measured would be its coming back.
  globalThis.gc?.()
  for (const until = performance.now() + warmUpMs; performance.now() < until; )
    perOperation = (await run(2_000)) / 2_000
  const count = Math.max(100, Math.round((BATCH_MS * 1e6) / perOperation))
  const times = []
  for (let batch = 0; batch < batches; batch++) times.push((await run(count)) / count)
  return quartiles(times).median
}
