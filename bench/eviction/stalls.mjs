import { PerformanceObserver, performance } from 'node:perf_hooks'
import { BOUNDED, openContender } from './contenders.mjs'
import { keyOf } from './keys.mjs'

const ENTRIES = 1_000_000
const EVICTING_SETS = 2_000_000
const SETS_A_TURN = 20_000
/** Sets shorter than this can't be the longest. */
const NOTED_MS = 0.5

/** The longest single `set`, while filling to a million entries and then with each set evicting one. */
export const stalls = {
  name: 'stalls',
  figures: [
    { name: 'growing', title: 'growing, ms', digits: 2 },
    { name: 'steady', title: 'steady, ms', digits: 2 },
    { name: 'steadyWithGc', title: 'steady with gc, ms', digits: 2 },
    { name: 'mean', title: 'mean ns/set', digits: 0 },
  ],
  ratios: [],

  cases: () => BOUNDED.map((contender) => ({ group: 'longest set, 1 M entries', contender, spec: { contender } })),

  async measure({ contender }) {
    const cache = openContender(contender, ENTRIES)
    const collections = []
    const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()))
    observer.observe({ entryTypes: ['gc'] })
    const growing = await slowSets(cache, 0, ENTRIES)
    const startedAt = performance.now()
    const steady = await slowSets(cache, ENTRIES, EVICTING_SETS)
    const mean = ((performance.now() - startedAt) * 1e6) / EVICTING_SETS
    await new Promise((resolve) => setTimeout(resolve, 50))
    observer.disconnect()
    return {
      growing: longest(growing, collections),
      steady: longest(steady, collections),
      steadyWithGc: longest(steady, []),
      mean,
    }
  },
}

/** Start and end of every set that took long. Keys are built, as a service does. */
async function slowSets(cache, first, count) {
  const slow = []
  const value = { count: 1 }
  for (let id = first; id < first + count; id++) {
    const key = keyOf(id)
    const from = performance.now()
    cache.set(key, value)
    const to = performance.now()
    if (to - from > NOTED_MS) slow.push({ from, to })
    if (id % SETS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return slow
}

function longest(sets, collections) {
  return sets.reduce((most, set) => Math.max(most, set.to - set.from - overlap(set, collections)), 0)
}

function overlap({ from, to }, collections) {
  return collections.reduce(
    (sum, { startTime, duration }) => sum + Math.max(0, Math.min(to, startTime + duration) - Math.max(from, startTime)),
    0,
  )
}
