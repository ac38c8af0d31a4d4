import { createCache, definePolicy } from 'freshtier'
import { redisTier } from 'freshtier/redis'
import { Redis } from 'ioredis'
import { startServer } from '../harness/redis-server.mjs'

const KEYS = 10_000
const SIZES = [32, 64, 128, 256, 512, 1_024, 2_048, 4_096]
const ORGANISATIONS = 1_000
const QUESTIONS = 5
const TOGETHER = 200
/** A day of readings, one a minute: what a trend holds. */
const TREND_POINTS = 1_440

/** What an entry takes over a plain `SET PX`, what a call costs the server, and what a dashboard's tenants take. */
export const scenario = {
  name: 'redis-cost',
  question: 'what does an entry take in Redis over plain SET PX, and what does a call cost the server?',
  figures: [
    { name: 'bytes', title: 'bytes a key', digits: 0 },
    { name: 'over', title: 'over plain', digits: 0 },
    { name: 'megabytes', title: 'MB in all', digits: 1 },
    { name: 'hitUs', title: 'server µs/hit', digits: 2 },
    { name: 'missUs', title: 'server µs/miss', digits: 1 },
    { name: 'deleteUs', title: 'server µs/delete', digits: 1 },
  ],
  ratios: [],

  cases: () => [
    ...SIZES.map((size) => ({ group: 'one entry', contender: `${size} B`, spec: { size } })),
    { group: 'one entry', contender: 'mean', spec: { sizes: SIZES } },
    { group: `${ORGANISATIONS} organisations × ${QUESTIONS}`, contender: 'counts', spec: { trends: false } },
    { group: `${ORGANISATIONS} organisations × ${QUESTIONS}`, contender: 'with trends', spec: { trends: true } },
  ],

  async measure({ size, sizes, trends }) {
    if (trends !== undefined) return compare(dashboards(), (key) => answerOf(key, trends))
    const measured = []
    for (const one of sizes ?? [size]) measured.push(await compare(entries(), () => 'x'.repeat(one - 2)))
    const names = Object.keys(measured[0])
    const mean = (name) => measured.reduce((sum, one) => sum + one[name], 0) / measured.length
    return Object.fromEntries(names.map((name) => [name, mean(name)]))
  },
}

/** Whose entry, and its key. */
function entries() {
  return Array.from({ length: KEYS }, (_, item) => ['', `org:${item % 500}:unit:${item}`])
}

/** S2-50: five questions of each organisation. */
function dashboards() {
  return Array.from({ length: ORGANISATIONS * QUESTIONS }, (_, item) => [
    `org-${Math.floor(item / QUESTIONS)}`,
    `question-${item % QUESTIONS}`,
  ])
}

/** The same values by plain SET PX and as entries, each on a server of its own. */
async function compare(all, answer) {
  const plain = await withServer(async ({ admin, usedBytes }) => {
    await inGroups(all, ([tenant, key]) =>
      admin.set(`cache:${tenant}:${key}`, JSON.stringify(answer(key)), 'PX', 3_600_000),
    )
    return usedBytes()
  })
  return withServer(async ({ admin, client, usedBytes }) => {
    const { cache, policy } = cacheOver(client, async (key) => answer(key))
    const scopeOf = (tenant) => (tenant === '' ? cache : cache.tenant(tenant))
    const fillAll = () => inGroups(all, ([tenant, key]) => scopeOf(tenant).getOrFill(policy, key))
    const missUs = await serverTime(admin, fillAll)
    const bytes = await usedBytes()
    const hitUs = await serverTime(admin, fillAll)
    const deleteUs = await serverTime(admin, () =>
      inGroups(all, ([tenant, key]) => scopeOf(tenant).delete(policy, key)),
    )
    await cache.close()
    return {
      bytes: bytes / all.length,
      over: (bytes - plain) / all.length,
      megabytes: bytes / 1024 ** 2,
      hitUs: hitUs / all.length,
      missUs: missUs / all.length,
      deleteUs: deleteUs / all.length,
    }
  })
}

function answerOf(question, trends) {
  if (trends && question === 'question-0') {
    return Array.from({ length: TREND_POINTS }, (_, minute) => ({ minute, celsius: -18 + (minute % 40) / 10 }))
  }
  return { question, units: 120, online: 117, alerts: 3, compliant: 0.98, at: '2026-11-21T10:00:00.000Z' }
}

function cacheOver(client, fill) {
  // A machine that measures is busy: nobody gives up, and no lease ends, because of that.
  const tier = redisTier({ client, commandTimeout: '5s', highWaterMark: 1 })
  const cache = createCache({ name: 'bench', tiers: [tier], maxStaleness: '10s' })
  const coordinate = { leaseMs: 60_000, waitMs: 30_000 }
  return { cache, policy: definePolicy({ name: 'entry', ttl: '1h', coordinate, fill }) }
}

async function inGroups(items, run) {
  for (let from = 0; from < items.length; from += TOGETHER) {
    await Promise.all(items.slice(from, from + TOGETHER).map(run))
  }
}

async function withServer(run) {
  const port = await startServer()
  const [admin, client] = [new Redis({ host: '127.0.0.1', port }), new Redis({ host: '127.0.0.1', port })]
  await Promise.all([admin.ping(), client.ping()])
  const emptyBytes = await memoryOf(admin)
  const result = await run({ admin, client, usedBytes: async () => (await memoryOf(admin)) - emptyBytes })
  client.disconnect()
  admin.disconnect()
  return result
}

async function memoryOf(admin) {
  return Number(/used_memory:(\d+)/.exec(await admin.info('memory'))[1])
}

/** Microseconds of processor time that the server spent while this ran, reading and writing sockets included. */
async function serverTime(admin, run) {
  const before = await processorUs(admin)
  await run()
  return (await processorUs(admin)) - before
}

async function processorUs(admin) {
  const seconds = [...(await admin.info('cpu')).matchAll(/used_cpu_(?:user|sys):([\d.]+)/g)].map(([, text]) =>
    Number(text),
  )
  return seconds.reduce((sum, one) => sum + one, 0) * 1e6
}
