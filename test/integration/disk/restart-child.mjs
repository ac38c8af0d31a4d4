// A process with memory, disk and Redis, over a directory that others like it used before. It reads until it is killed.
import { Redis } from 'ioredis'
import { diskTier } from '../../../dist/disk/index.js'
import { createCache, definePolicy, memoryTier } from '../../../dist/index.js'
import { redisTier } from '../../../dist/redis/index.js'

const client = new Redis(process.env.REDIS_URL)
client.on('error', () => {})
const row = definePolicy({ name: 'row', ttl: '1h', tags: (key) => [`tag-${key % 4}`] })
const cache = createCache({
  name: 'restart',
  tiers: [memoryTier(), diskTier({ directory: process.env.DIRECTORY, maxBytes: '8mb' }), redisTier({ client })],
})
const tiers = { disk: 0, others: 0 }
cache.on('hit', ({ tier }) => void (tier === 'disk' ? tiers.disk++ : tiers.others++))

const load = async (key) => Number(await client.get(`origin:${key}`))
const read = (key) => cache.getOrFill(row, key, () => load(key))

const operations = {
  readAll: async ({ keys }) => Promise.all(keys.map(read)),
  delete: ({ key }) => cache.delete(row, key),
  tiers: () => tiers,
  /** Goes on reading and deleting, so that a kill meets it in the middle. */
  churn: ({ keys }) => {
    const one = async (turn) => {
      if (turn % 5 === 0) await cache.delete(row, keys[turn % keys.length]).catch(() => {})
      else await read(keys[turn % keys.length]).catch(() => {})
      setImmediate(one, turn + 1)
    }
    for (let worker = 0; worker < 4; worker++) void one(worker * 7)
  },
}

process.on('message', async ({ id, name, args }) => {
  try {
    const value = await operations[name](args)
    process.send({ id, value })
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) })
  }
})
process.send({ id: 'ready' })
