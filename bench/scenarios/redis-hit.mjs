import { redisContenders } from '../contenders/redis.mjs'
import { startCluster, startServer } from '../harness/redis-server.mjs'
import { nanosecondsPerOperation } from '../harness/timed-loop.mjs'

const KEYS = 4_096
const CALLERS = 64
/** Some hundred thousand calls, as a service has made a minute after its start. */
const WARM_UP_MS = 3_000
const SINGLE = ['ioredis GET', 'node-redis GET', 'freshtier', 'freshtier, node-redis', 'bentocache', 'layered-loader']
const CLUSTER = ['ioredis GET', 'node-redis GET', 'freshtier', 'freshtier, node-redis']

/** Sixty-four callers, each waiting for its value before it asks for another key; no two ask for the same one. */
export const scenario = {
  name: 'redis-hit',
  question: `what does a hit in Redis cost, ${CALLERS} callers at a time, 1 KB of JSON?`,
  figures: [{ name: 'microseconds', title: 'µs/hit', digits: 2 }],
  ratios: [{ figure: 'microseconds', to: 'ioredis GET' }],

  cases: () => [
    ...SINGLE.map((contender) => ({ group: 'one server', contender, spec: { contender, nodes: 1 } })),
    ...CLUSTER.map((contender) => ({ group: 'a cluster of three', contender, spec: { contender, nodes: 3 } })),
  ],

  async measure({ contender, nodes }) {
    const ports = nodes === 1 ? [await startServer()] : await startCluster()
    const side = await redisContenders[contender]({ ports, ttlMs: 3_600_000 })
    const keys = Array.from({ length: KEYS }, (_, item) => `org:${item % 100}:unit:${item}`)
    for (const [item, key] of keys.entries()) await side.set(key, sampleOf(item))
    const perOperation = await nanosecondsPerOperation((start, count) => callers(side, keys, start, count), WARM_UP_MS)
    return { microseconds: perOperation / 1_000 }
  },
}

async function callers({ get }, keys, start, count) {
  let next = start
  const end = start + count
  const caller = async () => {
    while (next < end) {
      const item = next++ % KEYS
      const value = await get(keys[item])
      if (value.item !== item) throw new Error(`${keys[item]} answered ${value.item}`)
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
}

/** About 1 KB as JSON. */
function sampleOf(item) {
  const readings = Array.from({ length: 24 }, (_, hour) => ({
    hour,
    celsius: -18.25 + hour / 16,
    door: hour % 7 === 0,
  }))
  return { item, unit: `unit-${item}`, readings }
}
