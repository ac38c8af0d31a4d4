import { nanosecondsPerOperation } from '../harness/timed-loop.mjs'
import { zipfTrace } from '../harness/zipf.mjs'
import { contenders } from './contenders.mjs'

const RESIDENT = 100_000
const LENGTH = 1 << 20
const MASK = LENGTH - 1

const keyOf = (id) => `org:${id % 997}:unit:${id}`

/** What a hit costs: all keys resident, asked for by zipf 0.99. */
export const get = {
  name: 'get',
  question: 'what does a hit cost, 100,000 keys resident, zipf 0.99?',
  figures: [{ name: 'nanoseconds', title: 'ns/get', digits: 1 }],
  ratios: [
    { figure: 'nanoseconds', to: 'Map (unbounded)' },
    { figure: 'nanoseconds', to: 'lru-cache' },
  ],

  cases: () =>
    ['reused strings', 'built strings', 'integers'].flatMap((keys) =>
      contenders.map(({ name }) => ({ group: `get, ${keys}`, contender: name, spec: { contender: name, keys } })),
    ),

  async measure({ contender, keys: kind }) {
    const cache = contenders.find(({ name }) => name === contender).open({ capacity: RESIDENT })
    const trace = zipfTrace({ items: RESIDENT, length: LENGTH, skew: 0.99, seed: 7 })
    const isInteger = kind === 'integers'
    // Stored under strings of their own: a caller rarely still has the very string that was stored.
    for (let id = 0; id < RESIDENT; id++) cache.set(isInteger ? id : keyOf(id), { count: 1 })
    const keys = Array.from({ length: RESIDENT }, (_, id) => (isInteger ? id : keyOf(id)))
    return { nanoseconds: await nanosecondsPerOperation(loopOf(kind, cache, { trace, keys })) }
  },
}

function loopOf(kind, cache, { trace, keys }) {
  const run =
    kind === 'built strings'
      ? (start, count) => {
          let sum = 0
          for (let at = start; at < start + count; at++) sum += cache.get(keyOf(trace[at & MASK])).count
          return sum
        }
      : (start, count) => {
          let sum = 0
          for (let at = start; at < start + count; at++) sum += cache.get(keys[trace[at & MASK]]).count
          return sum
        }
  return (start, count) => {
    if (run(start, count) !== count) throw new Error('a read found nothing')
  }
}
