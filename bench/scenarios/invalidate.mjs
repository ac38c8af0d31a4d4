import { Redis } from 'ioredis'
import { redisContenders } from '../contenders/redis.mjs'
import { quartiles } from '../harness/quartiles.mjs'
import { startServer } from '../harness/redis-server.mjs'

const KEYS = 100_000
const TAGGED = 10_000
const ROUNDS = 20
const TOGETHER = 500
const CONTENDERS = ['freshtier', 'freshtier, node-redis', 'bentocache', 'SCAN + UNLINK']

/** A tenth of the keys is out of date at once: by one tag, or by its name. Redis must go on answering others. */
export const scenario = {
  name: 'invalidate',
  question: `what does it cost to invalidate ${TAGGED} of ${KEYS} keys by one tag, and how long do others wait meanwhile?`,
  figures: [
    { name: 'milliseconds', title: 'ms', digits: 2 },
    { name: 'slowestPingMs', title: 'slowest PING ms', digits: 2 },
    { name: 'commands', title: 'commands', digits: 0 },
    { name: 'stale', title: 'old values after', digits: 0, isCount: true },
  ],
  ratios: [{ figure: 'milliseconds', to: 'SCAN + UNLINK' }],

  cases: () => CONTENDERS.map((contender) => ({ group: 'by one tag', contender, spec: { contender } })),

  async measure({ contender }) {
    const port = await startServer()
    const admin = new Redis({ host: '127.0.0.1', port })
    const side = await sideOf(contender, port, admin)
    for (let from = 0; from < KEYS; from += TOGETHER) {
      const items = Array.from({ length: TOGETHER }, (_, index) => from + index)
      await Promise.all(items.map((item) => side.set(keyOf(item), { item }, item < TAGGED ? ['tenth'] : ['rest'])))
    }
    const times = []
    const pings = []
    const before = await commandsOf(admin)
    for (let round = 0; round < ROUNDS; round++) {
      const watch = await watchPings(port)
      const startedAt = performance.now()
      await side.invalidateTag('tenth')
      times.push(performance.now() - startedAt)
      pings.push(await watch.end())
      // The first round is the one that finds them all; the next ones find what a rival left to be cleaned up.
      if (contender === 'SCAN + UNLINK') break
    }
    const commands = (await commandsOf(admin)) - before
    let stale = 0
    for (let item = 0; item < 100; item++) if (await side.get(keyOf(item)).then(Boolean, () => false)) stale++
    return {
      milliseconds: quartiles(times).median,
      slowestPingMs: Math.max(...pings.flat()),
      commands: commands / times.length,
      stale,
    }
  },
}

function keyOf(item) {
  return item < TAGGED ? `org:7:unit:${item}` : `org:${item % 90}:site:${item}`
}

async function sideOf(contender, port, admin) {
  if (contender !== 'SCAN + UNLINK') return redisContenders[contender]({ ports: [port], ttlMs: 3_600_000 })
  return {
    set: (key, value) => admin.set(key, JSON.stringify(value), 'PX', 3_600_000),
    get: (key) => admin.get(key),
    async invalidateTag() {
      for await (const keys of admin.scanStream({ match: 'org:7:unit:*', count: 1_000 })) {
        if (keys.length > 0) await admin.unlink(...keys)
      }
    },
  }
}

/** Another user of the same server: how long each of its commands takes while this goes on. */
async function watchPings(port) {
  const client = new Redis({ host: '127.0.0.1', port })
  const took = []
  let isOver = false
  await client.ping()
  const running = (async () => {
    while (!isOver) {
      const startedAt = performance.now()
      await client.ping()
      took.push(performance.now() - startedAt)
    }
  })()
  return {
    async end() {
      isOver = true
      await running
      client.disconnect()
      return took
    },
  }
}

async function commandsOf(admin) {
  const stats = await admin.info('commandstats')
  let calls = 0
  for (const [, name, count] of stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)) {
    if (!/^(ping|info|client|hello|select)/.test(name)) calls += Number(count)
  }
  return calls
}
