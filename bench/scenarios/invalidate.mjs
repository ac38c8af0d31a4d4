import { Redis } from 'ioredis'
import { redisContenders } from '../contenders/redis.mjs'
import { quartiles } from '../harness/quartiles.mjs'
import { startServer } from '../harness/redis-server.mjs'
import { target } from '../harness/targets.mjs'

const KEYS = 100_000
const TAGGED = 10_000
const ROUNDS = 20
const TOGETHER = 500
const CONTENDERS = ['freshtier', 'freshtier, node-redis', 'bentocache', 'SCAN + UNLINK']
/** Keys of others, among which five of ours are looked for by their name. */
const FOREIGN = [100_000, 1_000_000]
const FOUND = 5
const PATTERN = ['freshtier', 'freshtier, node-redis', 'SCAN + UNLINK']

/**
 * A tenth of the keys is out of date at once: by one tag, or by its name; or five keys beside many of others, by a
 * pattern. Redis must go on answering others.
 */
export const scenario = {
  name: 'invalidate',
  question: `what does it cost to invalidate ${TAGGED} of ${KEYS} keys by one tag, or ${FOUND} by a pattern, and how long do others wait meanwhile?`,
  figures: [
    { name: 'milliseconds', title: 'ms', digits: 2 },
    { name: 'slowestPingMs', title: 'slowest PING ms', digits: 2 },
    { name: 'commands', title: 'commands', digits: 0 },
    { name: 'stale', title: 'old values after', digits: 0, isCount: true },
  ],
  ratios: [{ figure: 'milliseconds', to: 'SCAN + UNLINK' }],

  cases: () => [
    ...CONTENDERS.map((contender) => ({ group: 'by one tag', contender, spec: { contender } })),
    ...FOREIGN.flatMap((foreign) =>
      PATTERN.map((contender) => ({ group: patternBeside(foreign), contender, spec: { contender, foreign } })),
    ),
  ],

  conclude: (outcome) => ({ ...outcome, targets: targets(outcome) }),

  async measure({ contender, foreign }) {
    if (foreign !== undefined) return measurePattern(contender, foreign)
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

function patternBeside(foreign) {
  return `${FOUND} by a pattern beside ${foreign}`
}

/** S2-9, S2-12: what is not named by a tag has to be looked for. */
async function measurePattern(contender, foreign) {
  const port = await startServer()
  const admin = new Redis({ host: '127.0.0.1', port })
  for (let from = 0; from < foreign; from += 1_000) {
    await admin.mset(Array.from({ length: 1_000 }, (_, index) => [`bull:jobs:${from + index}`, 'x']).flat())
  }
  const side = await sideOf(contender, port, admin)
  const times = []
  const pings = []
  let commands = 0
  let stale = 0
  for (let round = 0; round < 5; round++) {
    const keys = Array.from({ length: FOUND }, (_, item) => `org:7:unit:${item}`)
    await Promise.all(keys.map((key) => side.set(key, { key })))
    const before = await commandsOf(admin)
    const watch = await watchPings(port)
    const startedAt = performance.now()
    await side.invalidatePattern('org:7:*')
    times.push(performance.now() - startedAt)
    pings.push(await watch.end())
    commands += (await commandsOf(admin)) - before
    for (const key of keys) if (await side.get(key).then(Boolean, () => false)) stale++
  }
  return {
    milliseconds: quartiles(times).median,
    slowestPingMs: Math.max(...pings.flat()),
    commands: commands / times.length,
    stale,
  }
}

function targets({ groups }) {
  const ours = (group) =>
    groups.find(({ name }) => name === group)?.rows.find(({ contender }) => contender === 'freshtier')?.figures
  const [near] = FOREIGN
  return [
    target(`${TAGGED} of ${KEYS} by one tag`, ours('by one tag')?.milliseconds.median, { atMost: 1, unit: ' ms' }),
    // Beside a million it costs what it costs: the whole keyspace is looked at.
    target(patternBeside(near), ours(patternBeside(near))?.milliseconds.median, {
      atMost: 500,
      unit: ' ms',
      digits: 0,
    }),
  ]
}

function keyOf(item) {
  return item < TAGGED ? `org:7:unit:${item}` : `org:${item % 90}:site:${item}`
}

async function sideOf(contender, port, admin) {
  if (contender !== 'SCAN + UNLINK') return redisContenders[contender]({ ports: [port], ttlMs: 3_600_000 })
  return {
    set: (key, value) => admin.set(key, JSON.stringify(value), 'PX', 3_600_000),
    get: (key) => admin.get(key),
    invalidateTag: () => scanAndUnlink(admin, 'org:7:unit:*'),
    invalidatePattern: (pattern) => scanAndUnlink(admin, pattern),
  }
}

async function scanAndUnlink(admin, match) {
  for await (const keys of admin.scanStream({ match, count: 1_000 })) {
    if (keys.length > 0) await admin.unlink(...keys)
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
