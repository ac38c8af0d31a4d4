// One process of the fleet under torture: a cache of its own behind a proxy of its own, callers that read and write
// until they are told to stop, and a record of every read and acknowledgement for the parent.
import { Redis } from 'ioredis'
import { createCache, definePolicy, memoryTier } from '../../dist/index.js'
import { redisTier } from '../../dist/redis/index.js'
import { seededRandom } from '../../dist/testing/index.js'

const { CACHE_URL, ORIGIN_URL, CLIENT, SEED, KEYS, MAX_STALENESS_MS } = process.env
const client = Number(CLIENT)
const keys = KEYS.split(',')
const READERS = 16
const READS_AT_ONCE = 12
const WRITERS = 4
const RECORDS_PER_MESSAGE = 200

const random = seededRandom(Number(SEED) * 1_000 + client)
// The library of the application's choice, as it comes, except that it reconnects at once.
const connection = new Redis(CACHE_URL, { retryStrategy: () => 20 })
connection.on('error', () => {})
const origin = new Redis(ORIGIN_URL)
const row = definePolicy({
  name: 'row',
  ttl: '1h',
  tags: (key) => ['all', `one-${key}`],
  fill: load,
  coordinate: { leaseMs: 400, waitMs: 200, pollMinMs: 2, pollMaxMs: 25 },
})
const cache = createCache({
  name: 'torture',
  tiers: [memoryTier(), redisTier({ client: connection, pollInterval: '60ms', commandTimeout: '60ms' })],
  maxStaleness: `${MAX_STALENESS_MS}ms`,
})

let isStopping = false
let acknowledgements = 0
let records = []
/** A receipt of another process, as a header or a cookie brings it. */
let received
const rejections = {}

/** Milliseconds of the machine's monotonic clock: the same in every process. */
const now = () => Number(process.hrtime.bigint()) / 1e6

/**
 * The cache looks at the time once a turn of the event loop, and its bound excludes that turn (SIGSTOP can make one very
 * long). So does the record: a read begins in the turn after the one in which it was asked for, and its cache has not
 * looked at the time before `turnBeforeBeganAt`. Nothing turns while nobody wants to read: a process that spins takes the
 * processor from the others.
 */
let turnBeforeBeganAt = now()
const onTurn = []
function nextTurn() {
  return new Promise((resolve) => {
    if (onTurn.push(resolve) === 1) setImmediate(turn)
  })
}
function turn() {
  const beganAt = now()
  setImmediate(() => {
    turnBeforeBeganAt = beganAt
    for (const begin of onTurn.splice(0)) begin()
  })
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const anyOf = (list) => list[random.integer(list.length)]

/** The row, read at one moment between the fill's start and its end. */
async function load(key) {
  await sleep(random.integer(10))
  const version = Number(await origin.get(key))
  await sleep(random.integer(15))
  return version
}

/** A request reads several rows, one after the other, then thinks. */
async function readSome() {
  await sleep(random.integer(10))
  for (let left = 1 + random.integer(READS_AT_ONCE); left > 0; left--) await readOnce()
}

async function readOnce() {
  const key = anyOf(keys)
  const dice = random.integer(20)
  const level = dice < 12 ? 'bounded' : dice < 19 ? 'strict' : 'eventual'
  const receipt = level === 'bounded' && random.integer(4) === 0 ? received : undefined
  const after = receipt?.keys.includes(key) ? receipt.id : null
  const options = receipt ? { after: receipt.token } : { consistency: level }
  await nextTurn()
  const startedAt = now()
  const lagMs = startedAt - turnBeforeBeganAt
  const way = random.integer(8)
  const value =
    way === 0 && options.consistency === 'bounded'
      ? cache.peek(row, key)
      : way === 1
        ? await cache.get(row, key, options)
        : await cache.getOrFill(row, key, options)
  if (value !== undefined) record({ type: 'read', client, key, level, after, atMs: startedAt, lagMs, value })
}

async function writeOnce() {
  await sleep(random.integer(60))
  const key = anyOf(keys)
  const isOfAll = random.integer(8) === 0
  const written = isOfAll ? keys : [key]
  const versions = await Promise.all(written.map((one) => origin.incr(one)))
  const way = random.integer(3)
  const receipt = isOfAll
    ? await cache.invalidate({ tags: ['all'] })
    : way === 0
      ? await cache.delete(row, key)
      : way === 1
        ? await cache.invalidate({ tags: [`one-${key}`] })
        : await cache.invalidate({ entries: [[row, key]] })
  const atMs = now()
  const id = `${client}:${++acknowledgements}`
  for (const [index, one] of written.entries()) {
    record({ type: 'acknowledged', client, key: one, version: versions[index], atMs, id })
  }
  process.send({ type: 'receipt', receipt: { token: receipt.token, keys: written, id } })
}

function record(one) {
  records.push(one)
  if (records.length >= RECORDS_PER_MESSAGE) flush()
}

function flush() {
  process.send({ type: 'records', records, rejections })
  records = []
}

async function loop(kind, once) {
  while (!isStopping) {
    try {
      await once()
    } catch (error) {
      const name = `${kind}: ${error?.code ?? error}`
      rejections[name] = (rejections[name] ?? 0) + 1
    }
  }
}

const operations = {
  stop: async () => {
    isStopping = true
    await running
  },
  /** Everything is healed, and B has passed since: what every level says now must be all there is. */
  readAll: async () => {
    for (const key of keys) {
      for (const level of ['bounded', 'strict']) {
        await nextTurn()
        const atMs = now()
        const value = await cache.getOrFill(row, key, { consistency: level })
        record({ type: 'read', client, key, level, after: null, atMs, lagMs: 0, value })
      }
    }
    flush()
  },
  close: async () => {
    await cache.close()
    connection.disconnect()
    origin.disconnect()
    process.disconnect()
  },
}

process.on('message', async (message) => {
  if (message.type === 'receipt') {
    received = message.receipt
    return
  }
  try {
    await operations[message.type]()
    if (process.connected) process.send({ type: 'done', id: message.id })
  } catch (error) {
    process.send({ type: 'done', id: message.id, error: String(error?.stack ?? error) })
  }
})
process.on('unhandledRejection', (error) => {
  process.send({ type: 'unhandled', error: String(error?.stack ?? error) })
})

let running
process.send({ type: 'ready' }, () => {
  const loops = [
    ...Array.from({ length: READERS }, () => loop('read', readSome)),
    ...Array.from({ length: WRITERS }, () => loop('write', writeOnce)),
  ]
  running = Promise.all(loops)
})
