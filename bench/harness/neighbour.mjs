// A thread with a cache on somebody's Redis: `{ port, how }`, then messages `{ name, args }`, one after the other.
import { parentPort, workerData } from 'node:worker_threads'
import { createCache, definePolicy } from 'freshtier'
import { redisTier } from 'freshtier/redis'
import { Redis } from 'ioredis'

const { port, how } = workerData
const client = new Redis({ host: '127.0.0.1', port })
// A machine that measures is busy: nobody gives up because of that.
const cache = createCache({ name: 'bench', tiers: [redisTier({ client, commandTimeout: '10s' })], maxStaleness: '30s' })
const entry = definePolicy({ name: 'entry', ttl: '1h', coordinate: { leaseMs: 120_000, waitMs: 60_000 } })
const TOGETHER = 1_000
let keys = []

const invalidations = {
  'nothing beside': () => new Promise((resolve) => setTimeout(resolve, 100)),
  'freshtier, by tag': () => cache.invalidate({ tags: ['all'] }),
  'freshtier, by key': async () => {
    for (let from = 0; from < keys.length; from += TOGETHER)
      await cache.deleteMany(entry, keys.slice(from, from + TOGETHER))
  },
  'freshtier, by pattern': () => cache.invalidatePattern(entry, 'org:*'),
  'KEYS + DEL': async () => {
    const found = await client.keys('*org:*')
    if (found.length > 0) await client.del(...found)
  },
}

const operations = {
  async fill(count) {
    keys = Array.from({ length: count }, (_, item) => `org:7:unit:${item}`)
    for (let from = 0; from < count; from += TOGETHER) {
      const batch = keys.slice(from, from + TOGETHER).map((key) => [key, { key, online: true }])
      await cache.setMany(entry, batch, { tags: ['all'] })
    }
  },
  async invalidate() {
    const startedAt = performance.now()
    await invalidations[how]()
    return performance.now() - startedAt
  },
}

parentPort.on('message', async ({ name, args }) => {
  try {
    parentPort.postMessage({ value: await operations[name](...args) })
  } catch (error) {
    parentPort.postMessage({ error: String(error?.stack ?? error) })
  }
})
