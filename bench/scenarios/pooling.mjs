import { PerformanceObserver, performance } from 'node:perf_hooks'

const ENTRIES = 200_000
const SETS = 4_000_000
const SETS_A_TURN = 20_000

/**
 * S4-10. An LRU of one record an entry, told three ways that differ in nothing but where a record comes from: a new object for
 * each entry, an object taken from a pool that evicted entries are given back to, and rows of typed arrays, which is
 * what freshtier's memory does. Each set evicts the oldest.
 */
const KINDS = {
  'a new object an entry': () =>
    listOfObjects(() => ({ key: 0, value: undefined, until: 0, older: null, newer: null })),
  'pooled objects': () => {
    const pool = []
    return listOfObjects(
      () => pool.pop() ?? { key: 0, value: undefined, until: 0, older: null, newer: null },
      (entry) => pool.push(entry),
    )
  },
  'rows of arrays': () => listOfRows(),
}

export const scenario = {
  name: 'pooling',
  question: 'does taking entries from a pool beat making new ones, or having none?',
  rounds: 5,
  figures: [
    { name: 'nsPerSet', title: 'ns/set', digits: 0 },
    { name: 'gcMs', title: 'gc, ms', digits: 0 },
    { name: 'longestGcMs', title: 'longest gc, ms', digits: 1 },
    { name: 'bytesPerEntry', title: 'bytes/entry', digits: 0 },
  ],
  ratios: [],

  cases: () =>
    Object.keys(KINDS).map((kind) => ({ group: `evicting sets, ${ENTRIES} entries`, contender: kind, spec: { kind } })),

  async measure({ kind }) {
    global.gc?.()
    const before = held()
    const list = KINDS[kind]()
    const value = { count: 1 }
    for (let id = 0; id < ENTRIES; id++) list.set(id, value)
    global.gc?.()
    const bytesPerEntry = (held() - before) / ENTRIES
    const pauses = []
    const observer = new PerformanceObserver((seen) => pauses.push(...seen.getEntries().map((one) => one.duration)))
    observer.observe({ entryTypes: ['gc'] })
    const startedAt = performance.now()
    for (let id = ENTRIES; id < ENTRIES + SETS; id++) {
      list.set(id, value)
      if (id % SETS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const nsPerSet = ((performance.now() - startedAt) * 1e6) / SETS
    await new Promise((resolve) => setTimeout(resolve, 50))
    observer.disconnect()
    if (list.size() !== ENTRIES) throw new Error(`${list.size()} entries are held`)
    return {
      nsPerSet,
      gcMs: pauses.reduce((sum, one) => sum + one, 0),
      longestGcMs: Math.max(0, ...pauses),
      bytesPerEntry,
    }
  },
}

function held() {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Who is in the list is no question here: records lie in a ring, and the index of a cache would cost all three the same. */
function listOfObjects(take, giveBack = () => {}) {
  let oldest = null
  let newest = null
  let count = 0
  return {
    size: () => count,
    set(key, value) {
      if (count === ENTRIES) {
        const left = oldest
        oldest = left.newer
        oldest.older = null
        left.value = undefined
        left.newer = null
        giveBack(left)
        count--
      }
      const entry = take()
      entry.key = key
      entry.value = value
      entry.until = key + 1_000
      entry.older = newest
      if (newest === null) oldest = entry
      else newest.newer = entry
      newest = entry
      count++
    },
  }
}

function listOfRows() {
  const rows = new Int32Array((ENTRIES + 2) * 3)
  const pairs = new Array((ENTRIES + 2) * 2).fill(undefined)
  let oldest = 0
  let newest = 0
  let free = 0
  let top = 0
  let count = 0
  return {
    size: () => count,
    set(key, value) {
      if (count === ENTRIES) {
        const left = oldest
        oldest = rows[left * 3 + 1]
        rows[oldest * 3] = 0
        pairs[left * 2 + 1] = undefined
        rows[left * 3 + 1] = free
        free = left
        count--
      }
      const slot = free === 0 ? ++top : free
      if (slot === free) free = rows[slot * 3 + 1]
      pairs[slot * 2] = key
      pairs[slot * 2 + 1] = value
      rows[slot * 3 + 2] = key + 1_000
      rows[slot * 3] = newest
      rows[slot * 3 + 1] = 0
      if (newest === 0) oldest = slot
      else rows[newest * 3 + 1] = slot
      newest = slot
      count++
    },
  }
}
