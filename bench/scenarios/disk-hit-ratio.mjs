import { LRUCache } from 'lru-cache'
import { inScratch } from '../disk/scratch.mjs'
import { withTargets } from '../disk/verdicts.mjs'
import { target } from '../harness/targets.mjs'
import { zipfTrace } from '../harness/zipf.mjs'

const ITEMS = 64_000
const REQUESTS = 200_000
const VALUE = Buffer.alloc(1_000, 'x')
/** Bytes of a record in the log: the exact LRU pays as much for an entry. */
const ENTRY_BYTES = VALUE.length + 52 + 'k00000'.length
const SHARES = [0.05, 0.2]
const TRACES = {
  'zipf 0.9': () => zipfTrace({ items: ITEMS, length: REQUESTS, skew: 0.9, seed: 1 }),
  'zipf 1.0': () => zipfTrace({ items: ITEMS, length: REQUESTS, skew: 1, seed: 2 }),
  'zipf 1.1': () => zipfTrace({ items: ITEMS, length: REQUESTS, skew: 1.1, seed: 3 }),
  /** Every third request reads on through keys that are never asked for again. */
  scan: () =>
    zipfTrace({ items: ITEMS, length: REQUESTS, skew: 1, seed: 4 }).map((key, n) => (n % 3 ? key : ITEMS + n)),
  /** What is hot changes six times. */
  shift: () =>
    zipfTrace({ items: ITEMS, length: REQUESTS, skew: 1, seed: 5 }).map(
      (key, n) => (key + Math.floor((n * 6) / REQUESTS) * 7_919) % ITEMS,
    ),
}
const EVICTIONS = ['lfu', 'lru', 'fifo']
const groupOf = (trace, share) => `${trace}, ${share * 100} % of all bytes`

/** Hits of the disk tier and of an exact LRU of as many bytes; and what keeping used entries costs in writes. Counted. */
export const scenario = {
  name: 'disk-hit-ratio',
  question: 'what does dropping whole segments cost in hits, next to an exact LRU of as many bytes?',
  rounds: 1,
  figures: [
    { name: 'hits', title: '% hits', digits: 2 },
    { name: 'written', title: 'written ÷ stored', digits: 2 },
  ],
  ratios: [],

  cases: () =>
    Object.keys(TRACES).flatMap((trace) =>
      SHARES.flatMap((share) =>
        ['exact LRU', ...EVICTIONS].map((contender) => ({
          group: groupOf(trace, share),
          contender,
          spec: { trace, share, contender },
        })),
      ),
    ),

  measure: ({ trace, share, contender }) => {
    const keys = TRACES[trace]()
    const maxBytes = Math.round(share * ITEMS * ENTRY_BYTES)
    return contender === 'exact LRU'
      ? inMemory(keys, maxBytes)
      : inScratch((at) => onDisk(keys, maxBytes, contender, at))
  },

  conclude: withTargets((median) =>
    Object.keys(TRACES).flatMap((trace) =>
      SHARES.map((share) => {
        const of = (contender) => median(groupOf(trace, share), contender, 'hits')
        const more = of('exact LRU') === undefined ? undefined : of('lfu') - of('exact LRU')
        return target(`${groupOf(trace, share)}: lfu − exact LRU`, more, { atLeast: 0, unit: ' points' })
      }),
    ),
  ),
}

function inMemory(keys, maxBytes) {
  const cache = new LRUCache({ maxSize: maxBytes, sizeCalculation: () => ENTRY_BYTES })
  let hits = 0
  for (const key of keys) {
    if (cache.get(key)) hits++
    else cache.set(key, true)
  }
  return { hits: (hits / keys.length) * 100, written: 0 }
}

async function onDisk(keys, maxBytes, eviction, directory) {
  const { openDiskStore } = await import('freshtier/disk')
  const store = await openDiskStore({ directory, maxBytes, eviction })
  let hits = 0
  for (const n of keys) {
    const key = `k${String(n).padStart(5, '0')}`
    if (await store.get(key)) hits++
    else await store.set({ key, value: VALUE })
  }
  const { stores, writtenBytes } = store.stats()
  await store.close()
  return { hits: (hits / keys.length) * 100, written: writtenBytes / (stores * ENTRY_BYTES) }
}
