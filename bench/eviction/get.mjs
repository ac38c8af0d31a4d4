import { nanosecondsPerOperation } from '../harness/timed-loop.mjs'
import { zipfTrace } from '../harness/zipf.mjs'
import { CONTENDERS, FLOOR, MAP, openContender, WITHOUT_TTL } from './contenders.mjs'
import { KEYS, keyOf, keysOf } from './keys.mjs'

const RESIDENT = 100_000
const LENGTH = 1 << 20
const MASK = LENGTH - 1

/** What a hit costs: all keys resident, asked for by zipf 0.99. */
export const get = {
  name: 'get',
  figures: [{ name: 'nanoseconds', title: 'ns/get', digits: 1 }],
  ratios: [
    { figure: 'nanoseconds', to: MAP },
    { figure: 'nanoseconds', to: FLOOR },
    { figure: 'nanoseconds', to: WITHOUT_TTL },
  ],

  cases: () =>
    KEYS.flatMap((keys) =>
      CONTENDERS.map((contender) => ({ group: `get, ${keys}`, contender, spec: { contender, keys } })),
    ),

  async measure({ contender, keys: kind }) {
    const cache = openContender(contender, RESIDENT)
    const trace = zipfTrace({ items: RESIDENT, length: LENGTH, skew: 0.99, seed: 7 })
    for (const key of keysOf(kind, RESIDENT)) cache.set(key, { count: 1 })
    const keys = keysOf(kind, RESIDENT)
    const loop = kind === 'built strings' ? builtLoop(cache, trace) : reusedLoop(cache, trace, keys)
    return { nanoseconds: await nanosecondsPerOperation(checked(loop)) }
  },
}

function builtLoop(cache, trace) {
  return (start, count) => {
    let sum = 0
    for (let at = start; at < start + count; at++) sum += cache.get(keyOf(trace[at & MASK])).count
    return sum
  }
}

function reusedLoop(cache, trace, keys) {
  return (start, count) => {
    let sum = 0
    for (let at = start; at < start + count; at++) sum += cache.get(keys[trace[at & MASK]]).count
    return sum
  }
}

function checked(loop) {
  return (start, count) => {
    if (loop(start, count) !== count) throw new Error('a read found nothing')
  }
}
