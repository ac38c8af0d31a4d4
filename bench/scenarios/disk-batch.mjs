import { inScratch, jsonOf } from '../disk/scratch.mjs'
import { openStore, rivals } from '../disk/stores.mjs'
import { times, withTargets } from '../disk/verdicts.mjs'
import { target } from '../harness/targets.mjs'

const SIZE = 1_000
const BATCHES = 8
/** Before what is measured, so that everything is compiled; or for so long, because the slow ones have no use for more. */
const WARM_UP = 40
const WARM_UP_MS = 1_000
/** What a batch may take: so many times better-sqlite3, and how many times quicker than bentocache it must be. */
const OPERATIONS = { set: [3, 20], get: [3, 8], delete: [2, 10] }
const groupOf = (operation) => `${operation} ${SIZE} × 256 B`

/** Batches of 1,000 values of 256 bytes, in one transaction where a store has them. */
export const scenario = {
  name: 'disk-batch',
  question: 'what does a batch of 1,000 values on disk cost?',
  rounds: 3,
  figures: [{ name: 'milliseconds', title: 'ms/batch', digits: 2 }],
  ratios: [
    { figure: 'milliseconds', to: 'bentocache' },
    { figure: 'milliseconds', to: 'better-sqlite3' },
  ],

  cases: () =>
    Object.keys(OPERATIONS).flatMap((operation) =>
      ['freshtier', ...rivals()].map((contender) => ({
        group: groupOf(operation),
        contender,
        spec: { operation, contender },
      })),
    ),

  measure: ({ operation, contender }) =>
    inScratch(async (directory) => {
      const store = await openStore(contender, directory)
      const value = jsonOf(256)
      const one = async (batch) => {
        const keys = Array.from({ length: SIZE }, (_, n) => `org:${batch}:unit:${n}`)
        const entries = keys.map((key) => [key, value])
        if (operation !== 'set') await store.setMany(entries)
        const startedAt = performance.now()
        if (operation === 'set') await store.setMany(entries)
        else if (operation === 'delete') await store.deleteMany(keys)
        else if ((await store.getMany(keys)).some((found) => found.length !== 256)) throw new Error('lost')
        return performance.now() - startedAt
      }
      const deadline = performance.now() + WARM_UP_MS
      for (let batch = 0; batch < WARM_UP && performance.now() < deadline; batch++) await one(batch)
      let milliseconds = 0
      for (let batch = 0; batch < BATCHES; batch++) milliseconds += await one(WARM_UP + batch)
      await store.close()
      return { milliseconds: milliseconds / BATCHES }
    }),
  conclude: withTargets((median) =>
    Object.entries(OPERATIONS).flatMap(([operation, [atMost, atLeast]]) => {
      const of = (contender) => median(groupOf(operation), contender, 'milliseconds')
      return [
        target(`${operation}: own ÷ better-sqlite3`, times(of('freshtier'), of('better-sqlite3')), {
          atMost,
          unit: '×',
        }),
        target(`${operation}: bentocache ÷ own`, times(of('bentocache'), of('freshtier')), {
          atLeast,
          unit: '×',
          digits: 1,
        }),
      ]
    }),
  ),
}
