import { redisContenders } from '../contenders/redis.mjs'
import { startCluster, startServer } from '../harness/redis-server.mjs'
import { nanosecondsPerOperation } from '../harness/timed-loop.mjs'

const KEYS = 4_096
const CALLERS = 64
/** A hundred thousand calls or so, as a service has made a minute after its start. */
const WARM_UP_MS = 2_000
/** Client and server take turns on the same cores, now in step, now not, for a second at a time: each batch is another draw. */
const BATCHES = 120
const CLIENTS = ['ioredis GET', 'node-redis GET', 'freshtier', 'freshtier, node-redis']
const RIVALS = ['bentocache', 'layered-loader']

/** About 1 KB as JSON, each: parsing costs four times as much where there are many small fields. */
const SHAPES = {
  'many numbers': (item) => ({
    item,
    unit: `unit-${item}`,
    readings: Array.from({ length: 24 }, (_, hour) => reading(hour)),
  }),
  'a few texts': (item) => ({
    item,
    unit: `unit-${item}`,
    site: 'Rotterdam Maasvlakte, hall 7',
    state: 'ok',
    celsius: -18.25,
    contact: 'Jo van den Berg <jo@example.com>',
    notes: `The compressor of unit ${item} was replaced in May; the gasket of the door is worn. `.repeat(11),
  }),
}

/** Sixty-four callers, each waiting for its value before it asks for another key; no two ask for the same one. */
export const scenario = {
  name: 'redis-hit',
  question: `what does a hit in Redis cost, ${CALLERS} callers at a time, 1 KB of JSON?`,
  figures: [{ name: 'microseconds', title: 'µs/hit', digits: 2 }],
  ratios: [{ figure: 'microseconds', to: 'ioredis GET' }],

  cases: () => [
    ...casesOf('one server', 1, 'many numbers', [...CLIENTS, ...RIVALS]),
    ...casesOf('one server', 1, 'a few texts', CLIENTS),
    ...casesOf('a cluster of three', 3, 'many numbers', CLIENTS),
    ...casesOf('a cluster of three', 3, 'a few texts', CLIENTS),
  ],

  async measure({ contender, nodes, shape }) {
    const ports = nodes === 1 ? [await startServer()] : await startCluster()
    const side = await redisContenders[contender]({ ports, ttlMs: 3_600_000 })
    const keys = Array.from({ length: KEYS }, (_, item) => `org:${item % 100}:unit:${item}`)
    for (const [item, key] of keys.entries()) await side.set(key, SHAPES[shape](item))
    const loop = (start, count) => callers(side, keys, start, count)
    const perOperation = await nanosecondsPerOperation(loop, { warmUpMs: WARM_UP_MS, batches: BATCHES })
    return { microseconds: perOperation / 1_000 }
  },
}

function casesOf(servers, nodes, shape, contenders) {
  return contenders.map((contender) => ({
    group: `${servers}, ${shape}`,
    contender,
    spec: { contender, nodes, shape },
  }))
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

function reading(hour) {
  return { hour, celsius: -18.25 + hour / 16, door: hour % 7 === 0 }
}
