import { inScratch, jsonOf, percentile } from '../disk/scratch.mjs'
import { openStore, rivals } from '../disk/stores.mjs'

const KINDS = {
  'set 4 KB, one at a time': { bytes: 4096, width: 1, operation: 'set' },
  'get 4 KB warm, one at a time': { bytes: 4096, width: 1, operation: 'get' },
  'set 4 KB, 64 at a time': { bytes: 4096, width: 64, operation: 'set' },
  'get 4 KB warm, 64 at a time': { bytes: 4096, width: 64, operation: 'get' },
  'set 256 B, 64 at a time': { bytes: 256, width: 64, operation: 'set' },
  'get 256 B warm, 64 at a time': { bytes: 256, width: 64, operation: 'get' },
}
const KEYS = 1_000
const WARM_UP = 500
const MEASURED = 8_000
const PATIENCE_MS = 1_000

/** Single operations on stores of bytes: what a call costs, and how many go through when 64 are under way. */
export const scenario = {
  name: 'disk',
  question: 'what does a value on disk cost, next to raw pread and pwrite, and to other stores?',
  figures: [
    { name: 'microseconds', title: 'µs/op', digits: 1 },
    { name: 'p50', title: 'p50 µs', digits: 1 },
    { name: 'p99', title: 'p99 µs', digits: 1 },
  ],
  ratios: [
    { figure: 'microseconds', to: 'raw pread/pwrite' },
    { figure: 'p50', to: 'raw pread/pwrite' },
    { figure: 'p50', to: 'bentocache' },
  ],

  cases: () =>
    Object.keys(KINDS).flatMap((group) =>
      ['raw pread/pwrite', 'freshtier', 'freshtier fsync', ...rivals()]
        .filter((contender) => contender !== 'freshtier fsync' || KINDS[group].operation === 'set')
        .map((contender) => ({ group, contender, spec: { group, contender } })),
    ),

  measure: ({ group, contender }) =>
    inScratch(async (directory) => {
      const { bytes, width, operation } = KINDS[group]
      const store = await openStore(contender, directory)
      const values = Array.from({ length: 16 }, (_, n) => jsonOf(bytes, n + 1))
      const keys = Array.from({ length: KEYS }, (_, n) => `5:org-${n % 100}|unit@1|${n}`)
      for (const [n, key] of keys.entries()) await store.set(key, values[n % 16])
      let next = 0
      const times = []
      const one = async () => {
        const n = (next++ * 7919) % KEYS
        const startedAt = performance.now()
        if (operation === 'set') await store.set(keys[n], values[next % 16])
        else if ((await store.get(keys[n])).length !== bytes) throw new Error(`${contender} lost ${keys[n]}`)
        times.push((performance.now() - startedAt) * 1_000)
      }
      const worker = async (until) => {
        // The slow ones have shown what they can after a while.
        const deadline = performance.now() + PATIENCE_MS
        while (next < until && performance.now() < deadline) await one()
      }
      await Promise.all(Array.from({ length: width }, () => worker(WARM_UP)))
      times.length = 0
      const count = contender.includes('fsync') ? MEASURED / 4 : MEASURED
      const from = next
      const startedAt = performance.now()
      await Promise.all(Array.from({ length: width }, () => worker(from + count)))
      const microseconds = ((performance.now() - startedAt) * 1_000) / (next - from)
      await store.close()
      times.sort((a, b) => a - b)
      return { microseconds, p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
    }),
}
