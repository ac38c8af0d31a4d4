import { Redis } from 'ioredis'
import { TAGGING, twoLevelContenders } from '../contenders/two-level.mjs'
import { startFleet } from '../harness/fleet.mjs'
import { startServer } from '../harness/redis-server.mjs'

const KEYS = 20
/** Longer than any bus takes; every contender gets it. */
const SETTLE_MS = 200

/**
 * A fill has read the old row when somebody changes the row and invalidates; the invalidation is acknowledged, then the
 * fill ends. What do later reads get?
 */
export const scenario = {
  name: 'race',
  question: `how many of ${KEYS} later reads get the old value after an invalidation during a fill?`,
  figures: [
    { name: 'filler', title: 'where it was filled', digits: 0, isCount: true },
    { name: 'writer', title: 'where it was invalidated', digits: 0, isCount: true },
    { name: 'third', title: 'in a third process', digits: 0, isCount: true },
  ],
  ratios: [],

  cases: () =>
    ['key', 'tag'].flatMap((by) =>
      ['the same process', 'another process'].flatMap((from) =>
        Object.keys(twoLevelContenders)
          .filter((contender) => by === 'key' || TAGGING.includes(contender))
          .map((contender) => ({ group: `by ${by}, from ${from}`, contender, spec: { contender, by, from } })),
      ),
    ),

  async measure({ contender, by, from }) {
    const port = await startServer()
    const origin = new Redis({ host: '127.0.0.1', port, db: 1 })
    const [filler, second, third] = await startFleet({ size: 3, contender, port })
    const writer = from === 'the same process' ? filler : second
    const keys = Array.from({ length: KEYS }, (_, index) => `row-${index}`)
    const old = { filler: 0, writer: 0, third: 0 }
    for (const key of keys) {
      await origin.set(key, 1)
      await filler('hold', key)
      await origin.set(key, 2)
      await (by === 'key' ? writer('delete', key) : writer('invalidateTag', `tag-${key}`))
      await filler('letGo', key)
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    for (const key of keys) {
      for (const [name, read] of Object.entries({ filler, writer, third })) {
        if ((await read('read', key)) === 1) old[name]++
      }
    }
    return old
  },
}
