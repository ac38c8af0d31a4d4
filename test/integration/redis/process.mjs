// A process of its own with a cache of its own, driven by messages: what another server of the fleet is.
import { Redis } from 'ioredis'
import { createCache, definePolicy, memoryTier } from '../../../dist/index.js'
import { redisTier } from '../../../dist/redis/index.js'

const client = new Redis(process.env.REDIS_URL)
const row = definePolicy({ name: 'row', ttl: '1h', tags: (key) => [`tag-${key}`] })
const cache = createCache({ name: 'fleet', tiers: [memoryTier(), redisTier({ client })] })
/** Fills that wait for a message before they answer what they have read. */
const held = new Map()

/** The origin is a plain key in the same Redis: one number, changed by the test. */
const load = async (key) => Number(await client.get(`origin:${key}`))

const operations = {
  read: ({ key, options }) => cache.getOrFill(row, key, () => load(key), options),
  peek: ({ key }) => cache.peek(row, key),
  /** Begins a fill that has read the origin, and keeps its value back until `letGo`. */
  hold: async ({ key }) => {
    let started
    const hasRead = new Promise((resolve) => {
      started = resolve
    })
    const answer = cache.getOrFill(row, key, async () => {
      const value = await load(key)
      await new Promise((resolve) => {
        held.set(key, resolve)
        started()
      })
      return value
    })
    held.set(`${key}:answer`, answer)
    await hasRead
  },
  letGo: ({ key }) => {
    held.get(key)()
    return held.get(`${key}:answer`)
  },
  delete: async ({ key }) => (await cache.delete(row, key)).token,
  invalidate: async ({ key }) => (await cache.invalidate({ tags: [`tag-${key}`] })).token,
  many: async ({ keys, fillMs }) => {
    let fills = 0
    const values = await Promise.all(
      keys.map((key) =>
        cache.getOrFill(row, key, async () => {
          fills++
          await new Promise((resolve) => setTimeout(resolve, fillMs))
          return load(key)
        }),
      ),
    )
    return { values, fills }
  },
  stop: async () => {
    await cache.close()
    client.disconnect()
    process.disconnect()
  },
}

process.on('message', async ({ id, name, args }) => {
  try {
    const value = await operations[name](args ?? {})
    if (process.connected) process.send({ id, value })
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) })
  }
})
process.send({ id: 'ready' })
