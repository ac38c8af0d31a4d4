import { nanosecondsPerOperation } from '../harness/timed-loop.mjs'
import { zipfTrace } from '../harness/zipf.mjs'
import { CONTENDERS, FLOOR, openContender } from './contenders.mjs'
import { keysOf } from './keys.mjs'

const KEYS = 200_000
const CAPACITY = 10_000
const LENGTH = 1 << 20
const MASK = LENGTH - 1
/** Every tenth operation writes. */
const WRITE_EVERY = 10

/** Nine reads and a write, over twenty times more keys than fit: hits, misses, replacements and evictions. */
export const mixed = {
  name: 'mixed',
  figures: [{ name: 'nanoseconds', title: 'ns/operation', digits: 1 }],
  ratios: [{ figure: 'nanoseconds', to: FLOOR }],

  cases: () =>
    ['reused strings', 'integers'].flatMap((keys) =>
      CONTENDERS.map((contender) => ({ group: `90 % get, 10 % set, ${keys}`, contender, spec: { contender, keys } })),
    ),

  async measure({ contender, keys: kind }) {
    const cache = openContender(contender, CAPACITY)
    const trace = zipfTrace({ items: KEYS, length: LENGTH, skew: 0.99, seed: 11 })
    const keys = keysOf(kind, KEYS)
    const value = { count: 1 }
    let hits = 0
    const loop = (start, count) => {
      for (let at = start; at < start + count; at++) {
        const key = keys[trace[at & MASK]]
        if (at % WRITE_EVERY === 0) cache.set(key, value)
        else if (cache.get(key) !== undefined) hits++
      }
    }
    const nanoseconds = await nanosecondsPerOperation(loop)
    if (hits === 0) throw new Error('no read found anything')
    return { nanoseconds }
  },
}
