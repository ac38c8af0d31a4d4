import type { Redis } from 'ioredis'
import { type SeededRandom, seededRandom } from '../../src/testing/index.js'
import { FaultProxy } from '../../test/kit/fault-proxy.ts'
import { History } from '../../test/kit/history.ts'
import { type RedisServer, startRedisServer } from '../../test/servers/redis-server.ts'
import { TortureProcess, type TortureRecord } from './torture-process.ts'

export interface TortureOptions {
  /** `worker.mjs`. */
  readonly worker: URL
  readonly seed: number
  readonly processes?: number
  /** It goes on until this is true. */
  readonly isEnough: (so: TortureProgress) => boolean
  readonly onFault?: (what: string) => void
  /** Names of the faults it suffers. Default: all. */
  readonly faults?: readonly string[] | undefined
}

export interface TortureProgress {
  readonly reads: number
  readonly acknowledgements: number
  readonly faults: number
  readonly ms: number
}

export interface TortureOutcome {
  readonly violations: readonly string[]
  readonly reads: number
  /** Invalidations; one may name all rows. */
  readonly acknowledgements: number
  readonly faults: number
  /** Calls that were rejected, by what and why. */
  readonly rejections: Readonly<Record<string, number>>
}

const MAX_STALENESS_MS = 300
const KEYS = Array.from({ length: 12 }, (_, index) => `row-${index}`)
/** Share of pub/sub messages that never arrive. */
const DROPPED = 0.3

/**
 * Processes of the real library over a real Redis whose lines break all the time, and one history of what they read.
 * The database is a second Redis, out of reach of the faults: one number a row, which only grows.
 */
export async function torture(options: TortureOptions): Promise<TortureOutcome> {
  const { seed, processes: size = 4 } = options
  const random = seededRandom(seed)
  const [server, database] = await Promise.all([startRedisServer(), startRedisServer()])
  const fleet: TortureProcess[] = []
  try {
    const rows = database.client()
    await rows.mset(Object.fromEntries(KEYS.map((key) => [key, 1])))
    for (let client = 1; client <= size; client++) {
      const proxy = await FaultProxy.start({ port: server.port, seed: seed * 100 + client })
      proxy.dropMessages = DROPPED
      fleet.push(
        new TortureProcess(options.worker, proxy, {
          CACHE_URL: proxy.url,
          ORIGIN_URL: database.url,
          CLIENT: String(client),
          SEED: String(seed),
          KEYS: KEYS.join(','),
          MAX_STALENESS_MS: String(MAX_STALENESS_MS),
        }),
      )
    }
    shareReceipts(fleet)
    await Promise.all(fleet.map((one) => one.ready()))
    const faults = await breakThings({ fleet, server, random, options })
    for (const one of fleet) one.thaw()
    for (const one of fleet) one.proxy.heal()
    await Promise.all(fleet.map((one) => one.call('stop')))
    // From here on the bound has passed for everything that was acknowledged.
    await sleep(MAX_STALENESS_MS + 1)
    await Promise.all(fleet.map((one) => one.call('readAll')))
    await Promise.all(fleet.map((one) => one.close()))
    return { ...judge(fleet), faults }
  } finally {
    for (const one of fleet) one.kill()
    await Promise.all(fleet.map((one) => one.proxy.close()))
    await Promise.all([server.stop(), database.stop()])
  }
}

/** As headers and cookies do: what one process was told, the others know a moment later. */
function shareReceipts(fleet: readonly TortureProcess[]): void {
  for (const one of fleet) {
    one.onReceipt = (receipt) => {
      for (const other of fleet) if (other !== one) other.tell(receipt)
    }
  }
}

interface Scene {
  readonly fleet: readonly TortureProcess[]
  readonly server: RedisServer
  readonly random: SeededRandom
  readonly options: TortureOptions
}

/** One fault after the other, sometimes two at a time, until it is enough. Answers how many. */
async function breakThings({ fleet, server, random, options }: Scene): Promise<number> {
  const startedAt = performance.now()
  const admin = server.client()
  const chosen = FAULTS.filter(([name]) => options.faults?.includes(name) ?? true)
  let faults = 0
  const so = (): TortureProgress => {
    const records = fleet.flatMap((one) => one.records)
    return { ...countsOf(records), faults, ms: performance.now() - startedAt }
  }
  while (!options.isEnough(so())) {
    const one = fleet[random.integer(fleet.length)]!
    const [name, fault] = chosen[random.integer(chosen.length)] ?? NO_FAULT
    options.onFault?.(name)
    faults++
    await fault({ one, fleet, server, admin, random })
    await sleep(random.integer(250))
  }
  return faults
}

interface Victim {
  readonly one: TortureProcess
  readonly fleet: readonly TortureProcess[]
  readonly server: RedisServer
  readonly admin: Redis
  readonly random: SeededRandom
}

type TortureFault = readonly [name: string, run: (victim: Victim) => unknown]

const FAULTS: readonly TortureFault[] = [
  ['cut', ({ one }) => one.proxy.cut()],
  ['reset', ({ one }) => one.proxy.reset()],
  [
    'reset of all',
    ({ fleet }) => {
      for (const one of fleet) one.proxy.reset()
    },
  ],
  [
    'half-open',
    async ({ one, random }) => {
      one.proxy.halfOpen()
      await sleep(50 + random.integer(500))
      one.proxy.heal()
    },
  ],
  [
    'delay',
    async ({ one, random }) => {
      one.proxy.delayMs = random.integer(50)
      await sleep(random.integer(400))
      one.proxy.heal()
    },
  ],
  [
    'throttle',
    async ({ one, random }) => {
      one.proxy.bytesPerSecond = 20_000
      await sleep(random.integer(400))
      one.proxy.heal()
    },
  ],
  [
    'refused connections',
    async ({ one, random }) => {
      one.proxy.refuses = true
      one.proxy.reset()
      await sleep(random.integer(400))
      one.proxy.heal()
    },
  ],
  [
    'frozen process',
    async ({ one, random }) => {
      one.freeze()
      await sleep(50 + random.integer(700))
      one.thaw()
    },
  ],
  [
    'frozen server',
    async ({ server, random }) => {
      const thaw = await server.freeze()
      await sleep(20 + random.integer(300))
      thaw()
    },
  ],
  [
    'trimmed logs',
    async ({ admin }) => {
      for (const key of await admin.keys('*'))
        if ((await admin.type(key)) === 'stream') await admin.xtrim(key, 'MAXLEN', 1)
    },
  ],
  [
    'evicted keys',
    async ({ admin, random }) => {
      const keys = await admin.keys('*')
      for (const key of keys.sort()) if (random.next() < 0.3) await admin.del(key)
    },
  ],
  ['FLUSHALL', ({ admin }) => admin.flushall()],
  ['SCRIPT FLUSH', ({ admin }) => admin.call('SCRIPT', 'FLUSH')],
]

/** For a run with an empty list of faults. */
const NO_FAULT: TortureFault = ['none', () => {}]

/** All that happened in one order, by the machine's one monotonic clock. */
function judge(fleet: readonly TortureProcess[]): Omit<TortureOutcome, 'faults'> {
  const histories = new Map(KEYS.map((key) => [key, new History(MAX_STALENESS_MS)]))
  const places = new Map<string, number>()
  const records = fleet.flatMap((one) => one.records).sort((a, b) => a.atMs - b.atMs)
  for (const record of records) {
    const history = histories.get(record.key)!
    if (record.type === 'acknowledged') {
      const { version, atMs, client, id, key } = record
      places.set(`${id} ${key}`, history.acknowledge(version, atMs, client))
    } else {
      const { value, after, key, level, client, atMs } = record
      const what = `a ${level} read of ${key} by ${client} at ${atMs}${after === null ? '' : ` after ${after}`}`
      history.begin({ ...record, after: after === null ? undefined : places.get(`${after} ${key}`) }, what)(value)
    }
  }
  const all = [...histories.values()]
  const rejections: Record<string, number> = {}
  for (const one of fleet) {
    for (const [name, count] of Object.entries(one.rejections)) rejections[name] = (rejections[name] ?? 0) + count
  }
  return {
    violations: [...all.flatMap(({ violations }) => violations), ...fleet.flatMap(({ problems }) => problems)],
    ...countsOf(records),
    rejections,
  }
}

function countsOf(records: readonly TortureRecord[]): { reads: number; acknowledgements: number } {
  const reads = records.filter(({ type }) => type === 'read').length
  const acknowledged = new Set(records.map((record) => (record.type === 'acknowledged' ? record.id : '')))
  return { reads, acknowledgements: acknowledged.size - Number(acknowledged.has('')) }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
