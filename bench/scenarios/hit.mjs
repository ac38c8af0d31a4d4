import { openContender } from '../contenders/index.mjs'
import { loops } from '../harness/hit-loops.mjs'
import { nanosecondsPerOperation } from '../harness/timed-loop.mjs'
import { seed, valueFor, workload } from '../harness/workload.mjs'

const SYNCHRONOUS = ['Map', 'lru-cache', 'lru-cache ttl', 'layered-loader', 'freshtier', 'freshtier lru']
const ASYNCHRONOUS = ['async-cache-dedupe', 'bentocache', 'cacheable']
/** The size at which everybody is asked in every way. */
const COMMON = 10_000
const SIZES = [1_000, COMMON, 100_000]
const BESIDE_A_CLIENT = ['lru-cache', 'layered-loader', 'freshtier']

/** Everything resident: what a hit costs, asked for by keys that exist already or are built for each call. */
export const scenario = {
  name: 'hit',
  question: 'what does a hit cost, next to `await lruCache.get()` and `lruCache.get()`?',
  figures: [{ name: 'nanoseconds', title: 'ns/hit', digits: 1 }],
  ratios: [
    { figure: 'nanoseconds', to: 'lru-cache' },
    { figure: 'nanoseconds', to: 'layered-loader' },
  ],

  cases: () => [
    ...SIZES.flatMap((resident) =>
      Object.keys(loops)
        .filter((loop) => resident === COMMON || !loop.endsWith('joined'))
        .flatMap((loop) =>
          asked(loop, resident).map((contender) => ({
            group: `${loop} keys, ${resident / 1_000}k resident`,
            contender,
            spec: { contender, loop, resident },
          })),
        ),
    ),
    ...BESIDE_A_CLIENT.map((contender) => ({
      group: `peek reused keys, ${COMMON / 1_000}k resident, ioredis loaded`,
      contender,
      spec: { contender, loop: 'peek reused', resident: COMMON, isBesideClient: true },
    })),
  ],

  async measure({ contender, loop, resident, isBesideClient }) {
    // It has a class that extends `String`, after which V8 no longer inlines methods that are found through a text.
    if (isBesideClient) await import('ioredis')
    let fills = 0
    const fill = async (key) => {
      fills++
      return valueFor(key)
    }
    const side = await openContender(contender, { capacity: resident * 2, ttlMs: 3_600_000, fill })
    const load = workload(resident)
    await seed(side, load.keys)
    const filled = fills
    const nanoseconds = await nanosecondsPerOperation(loops[loop](side, load))
    if (fills !== filled) throw new Error(`${contender} missed ${fills - filled} times`)
    return { nanoseconds }
  },
}

function asked(loop, resident) {
  return loop.startsWith('getOrFill') && resident === COMMON ? [...SYNCHRONOUS, ...ASYNCHRONOUS] : SYNCHRONOUS
}
