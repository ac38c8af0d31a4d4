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
    if (trends !== undefined) return organisations(trends)
    const measured = []
    for (const one of sizes ?? [size]) measured.push(await entries(one))
    const mean = (name) => measured.reduce((sum, one) => sum + one[name], 0) / measured.length
    return {
      bytes: mean('bytes'),
      over: mean('over'),
      megabytes: Number.NaN,
      hitUs: mean('hitUs'),
      missUs: mean('missUs'),
      deleteUs: mean('deleteUs'),
    }
  },
}

async function entries(size) {
  const body = 'x'.repeat(size - 2)
  const keys = Array.from({ length: KEYS }, (_, item) => `org:${item % 500}:unit:${item}`)
  const plain = await withServer(async ({ admin, usedBytes }) => {
    await inGroups(keys, (key) => admin.set(`cache:${key}`, JSON.stringify(body), 'PX', 3_600_000))
    return usedBytes()
  })
  return withServer(async ({ admin, client, usedBytes }) => {
    const { cache, policy } = cacheOver(client, async () => body)
    const missUs = await serverTime(admin, () => inGroups(keys, (key) => cache.getOrFill(policy, key)))
    const bytes = await usedBytes()
    const hitUs = await serverTime(admin, () => inGroups(keys, (key) => cache.getOrFill(policy, key)))
    const deleteUs = await serverTime(admin, () => inGroups(keys, (key) => cache.delete(policy, key)))
    await cache.close()
    return {
      bytes: bytes / KEYS,
      over: (bytes - plain) / KEYS,
      hitUs: hitUs / KEYS,
      missUs: missUs / KEYS,
      deleteUs: deleteUs / KEYS,
    }
  })
}

/** S2-50: five questions of each organisation, with and without a day of temperatures. */
async function organisations(trends) {
  return withServer(async ({ client, usedBytes }) => {
    const { cache, policy } = cacheOver(client, async (question) => answerOf(question, trends))
    const ids = Array.from({ length: ORGANISATIONS }, (_, index) => `org-${index}`)
    await inGroups(ids, (id) => {
      const org = cache.tenant(id)
      const questions = Array.from({ length: QUESTIONS }, (_, index) => `question-${index}`)
      return Promise.all(questions.map((question) => org.getOrFill(policy, question)))
    })
    const bytes = await usedBytes()
    await cache.close()
    const per = ORGANISATIONS * QUESTIONS
    return {
      bytes: bytes / per,
      over: Number.NaN,
      megabytes: bytes / 1024 ** 2,
      hitUs: Number.NaN,
      missUs: Number.NaN,
      deleteUs: Number.NaN,
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
  const cache = createCache({
    name: 'bench',
    tiers: [redisTier({ client, commandTimeout: '500ms', highWaterMark: 1 })],
  })
  return { cache, policy: definePolicy({ name: 'entry', ttl: '1h', fill }) }
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
