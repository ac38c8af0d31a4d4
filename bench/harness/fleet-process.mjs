// One process of a fleet: `node fleet-process.mjs <options as JSON>`. Ends with its parent.
import { Redis } from 'ioredis'
import { twoLevelContenders } from '../contenders/two-level.mjs'

const { contender, port, fillMs } = JSON.parse(process.argv[2])
/** The database: one number a row, which others may change. */
const origin = new Redis({ host: '127.0.0.1', port, db: 1 })
let fills = 0
/** Keys whose fills are held back after they have read the row: key -> what to call then. */
const held = new Map()

const side = await twoLevelContenders[contender]({ port, ttlMs: 600_000, fill, tagOf: (key) => `tag-${key}` })

async function fill(key) {
  fills++
  const version = Number(await origin.get(key))
  if (fillMs > 0) await new Promise((resolve) => setTimeout(resolve, fillMs))
  const hold = held.get(key)
  if (hold) {
    held.delete(key)
    await new Promise((resolve) => hold(resolve))
  }
  return { version }
}

/** Milliseconds of the machine's monotonic clock: the same in every process. */
const now = () => Number(process.hrtime.bigint()) / 1e6
const underWay = new Map()

const operations = {
  read: async (key) => (await side.getOrFill(key)).version,
  /** Begins a read whose fill has read the row, and keeps the value back until `letGo`. */
  hold: (key) =>
    new Promise((resolve) => {
      held.set(key, (letGo) => {
        underWay.set(key, { ...underWay.get(key), letGo })
        resolve()
      })
      underWay.set(key, { answer: side.getOrFill(key) })
    }),
  letGo: async (key) => {
    const { letGo, answer } = underWay.get(key)
    letGo()
    return (await answer).version
  },
  delete: async (key) => void (await side.delete(key)),
  invalidateTag: async (tag) => void (await side.invalidateTag(tag)),
  now: () => now(),
  /** So many callers at one moment; how long each waited, and how many fills it took here. */
  storm: async (key, { callers, atMs }) => {
    fills = 0
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - now())))
    const startedAt = now()
    const waits = await Promise.all(
      Array.from({ length: callers }, () => side.getOrFill(key).then(() => now() - startedAt)),
    )
    return { fills, waits }
  },
}

process.on('message', async ({ id, name, args }) => {
  try {
    process.send({ id, value: await operations[name](...args) })
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) })
  }
})
process.once('disconnect', () => process.exit(0))
process.send({ id: 'ready' })
