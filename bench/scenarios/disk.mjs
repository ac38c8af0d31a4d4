import { inScratch, jsonOf, percentile } from '../disk/scratch.mjs'
import { openStore, rivals } from '../disk/stores.mjs'
import { times, withTargets } from '../disk/verdicts.mjs'
import { target } from '../harness/targets.mjs'

const RAW = 'raw pread/pwrite'
const KINDS = {
  'set 4 KB, one at a time': { bytes: 4096, width: 1, operation: 'set' },
  'get 4 KB warm, one at a time': { bytes: 4096, width: 1, operation: 'get' },
  'set 4 KB, 64 at a time': { bytes: 4096, width: 64, operation: 'set' },
  'get 4 KB warm, 64 at a time': { bytes: 4096, width: 64, operation: 'get' },
  'set 256 B, 64 at a time': { bytes: 256, width: 64, operation: 'set' },
  'get 256 B warm, 64 at a time': { bytes: 256, width: 64, operation: 'get' },
  'set 4 KB with fdatasync, 64 at a time': {
    bytes: 4096,
    width: 64,
    operation: 'set',
    contenders: () => ['raw fsync', 'freshtier fsync', 'file + rename fsync'],
  },
  'miss, one at a time': {
    bytes: 256,
    width: 1,
    operation: 'miss',
    contenders: () => ['freshtier', ...rivals()],
  },
}
const KEYS = 1_000
const MEASURED = 8_000
const PATIENCE_MS = 1_000

/** Single operations on stores of bytes: what a call costs, and how many go through when 64 are under way. */
export const scenario = {
  name: 'disk',
  question: 'what does a value on disk cost, next to raw pread and pwrite, and to other stores?',
  rounds: 3,
  figures: [
    { name: 'mean', title: 'µs/op', digits: 1 },
    { name: 'p50', title: 'p50 µs', digits: 1 },
    { name: 'p99', title: 'p99 µs', digits: 1 },
  ],
  ratios: [
    { figure: 'mean', to: RAW },
    { figure: 'mean', to: 'bentocache' },
  ],

  cases: () =>
    Object.entries(KINDS).flatMap(([group, { contenders }]) =>
      (contenders?.() ?? [RAW, 'freshtier', ...rivals()]).map((contender) => ({
        group,
        contender,
        spec: { group, contender },
      })),
    ),

  measure: ({ group, contender }) =>
    inScratch(async (directory) => {
      const { bytes, width, operation } = KINDS[group]
      const store = await openStore(contender, directory)
      const values = Array.from({ length: 16 }, (_, n) => jsonOf(bytes, n + 1))
      const keys = Array.from({ length: KEYS }, (_, n) => `5:org-${n % 100}|unit@1|${n}`)
      for (const [n, key] of keys.entries()) await store.set(key, values[n % 16])
      if (operation === 'miss') for (const [n, key] of keys.entries()) keys[n] = `${key} is not there`
      let next = 0
      const durations = []
      const one = async () => {
        const n = (next++ * 7919) % KEYS
        const startedAt = performance.now()
        if (operation === 'set') await store.set(keys[n], values[next % 16])
        else if ((await store.get(keys[n]))?.length !== (operation === 'miss' ? undefined : bytes)) {
          throw new Error(`${contender} answered wrongly for ${keys[n]}`)
        }
        durations.push((performance.now() - startedAt) * 1_000)
      }
      const worker = async (until) => {
        // The slow ones have shown what they can after a while.
        const deadline = performance.now() + PATIENCE_MS
        while (next < until && performance.now() < deadline) await one()
      }
      const count = contender.includes('fsync') ? MEASURED / 4 : MEASURED
      // As long as what is measured: a service's store is compiled, and raw calls are as soon as they are made.
      await Promise.all(Array.from({ length: width }, () => worker(count)))
      durations.length = 0
      const from = next
      const startedAt = performance.now()
      await Promise.all(Array.from({ length: width }, () => worker(from + count)))
      const mean = ((performance.now() - startedAt) * 1_000) / (next - from)
      await store.close()
      durations.sort((a, b) => a - b)
      return { mean, p50: percentile(durations, 0.5), p99: percentile(durations, 0.99) }
    }),

  conclude: withTargets((median) => {
    const own = (group, figure) => median(group, 'freshtier', figure)
    const costs = (group, figure, atMost) =>
      target(`${group}: ${figure} ÷ raw`, times(own(group, figure), median(group, RAW, figure)), { atMost, unit: '×' })
    // Nobody is quicker than the floor: what raw calls reach is said beside.
    const beats = (group, figure, rival, atLeast) => {
      const floor = times(median(group, rival, figure), median(group, RAW, figure))
      return target(`${group}: ${rival} ÷ own ${figure}`, times(median(group, rival, figure), own(group, figure)), {
        atLeast,
        unit: '×',
        digits: 1,
        note: floor === undefined ? '' : ` (raw: ${floor.toFixed(1)}×)`,
      })
    }
    const reaches = (group, atLeast) =>
      target(`${group}: op/s ÷ raw op/s`, times(median(group, RAW, 'mean'), own(group, 'mean')), { atLeast })
    const [set, get, sets, gets, smallSets, smallGets, synced, miss] = Object.keys(KINDS)
    return [
      costs(set, 'p50', 2),
      costs(set, 'mean', 3),
      beats(set, 'p50', 'file + rename', 10),
      beats(set, 'p50', 'bentocache', 15),
      beats(set, 'p50', 'cacache', 60),
      costs(get, 'p50', 1.5),
      beats(get, 'p50', 'bentocache', 3),
      beats(get, 'p50', 'cacache', 7),
      reaches(sets, 0.65),
      reaches(gets, 0.85),
      reaches(smallSets, 0.65),
      reaches(smallGets, 0.65),
      beats(smallSets, 'mean', 'better-sqlite3', 1.5),
      target(
        `${synced}: file an entry ÷ own time`,
        times(median(synced, 'file + rename fsync', 'mean'), median(synced, 'freshtier fsync', 'mean')),
        { atLeast: 15, unit: '×', digits: 1 },
      ),
      target(`${miss}: p50`, own(miss, 'p50'), { atMost: 1, unit: ' µs' }),
    ]
  }),
}
