import { tracesDirectory } from '../hit-ratio/directory.mjs'
import { roomFor } from '../hit-ratio/shares.mjs'
import { loadTrace, traceNames } from '../hit-ratio/traces.mjs'
import { BOUNDED, FLOOR, openContender } from './contenders.mjs'
import { keysOf } from './keys.mjs'

const SHARE = 10
/** The trace that is replayed, if the directory has it; else its first. */
const TRACE = 'scarab'
const RUNS = 4

/** Get, else set, a whole trace with a cache of 10 % of its keys: hits, misses and evictions as they come. */
export const replay = {
  name: 'replay',
  figures: [
    { name: 'nanoseconds', title: 'ns/request', digits: 1 },
    { name: 'hitPercent', title: 'hits %', digits: 1 },
  ],
  ratios: [{ figure: 'nanoseconds', to: FLOOR }],

  cases({ traces: given }) {
    const directory = tracesDirectory(given)
    const names = traceNames(directory)
    const trace = names.includes(TRACE) ? TRACE : names[0]
    return ['reused strings', 'integers'].flatMap((keys) =>
      BOUNDED.map((contender) => ({
        group: `replay of ${trace}, ${keys}`,
        contender,
        spec: { contender, keys, trace, directory },
      })),
    )
  },

  measure({ contender, keys: kind, trace: name, directory }) {
    const { keys: requests, unique } = loadTrace(directory, name)
    const keys = keysOf(kind, unique)
    let best = Infinity
    let hits = 0
    // The first run compiles; the best of the others is the least disturbed.
    for (let run = 0; run < RUNS; run++) {
      globalThis.gc()
      const cache = openContender(contender, roomFor(SHARE, unique))
      const startedAt = process.hrtime.bigint()
      hits = replayOnce(cache, requests, keys)
      const nanoseconds = Number(process.hrtime.bigint() - startedAt) / requests.length
      if (run > 0) best = Math.min(best, nanoseconds)
    }
    return { nanoseconds: best, hitPercent: (100 * hits) / requests.length }
  },
}

function replayOnce(cache, requests, keys) {
  const value = { count: 1 }
  let hits = 0
  for (let at = 0; at < requests.length; at++) {
    const key = keys[requests[at]]
    if (cache.get(key) !== undefined) hits++
    else cache.set(key, value)
  }
  return hits
}
