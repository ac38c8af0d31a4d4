import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCacheWith } from '../../core/create-cache.js'
import { definePolicy } from '../../core/policy.js'
import { openDiskStore } from '../../disk/index.js'
import { memoryTier } from '../../memory/memory-tier.js'
import { connectRedis } from '../redis-access.js'
import { globLiteral, scanKeys } from '../scan-keys.js'
import type { Contest } from './rounds.js'

const KEYS = 1_000
const VALUE_BYTES = 4_096
const REDIS_VALUE_BYTES = 1_024
const CALLERS = 64
const TRACE_LENGTH = 4_096

/** Positions in no order that a processor could foresee, the same in every run. */
const TRACE = Array.from({ length: TRACE_LENGTH }, (_, at) => (at * 7_919) % KEYS)
const at = (turn: number): number => TRACE[turn & (TRACE_LENGTH - 1)]!

/** A hit next to a `Map`: what the cache adds to a look-up. */
export async function memoryContest(): Promise<Contest> {
  const cache = createCacheWith(memoryTier, { name: 'bench' })
  const policy = definePolicy({ name: 'entry', ttl: '1h', fill: async (key: string) => ({ key, count: 1 }) })
  const keys = Array.from({ length: KEYS }, (_, n) => `org-${n % 100}:unit-${n}`)
  const map = new Map(keys.map((key) => [key, { key, count: 1 }]))
  for (const key of keys) await cache.getOrFill(policy, key)
  return {
    name: 'a hit in memory',
    sides: [
      { name: 'Map.get', run: (count) => checked(count, (turn) => map.get(keys[at(turn)]!)!.count) },
      {
        name: 'peek',
        to: 'Map.get',
        run: (count) => checked(count, (turn) => cache.peek(policy, keys[at(turn)]!)!.count),
      },
      {
        name: 'Map.get, awaited',
        run: (count) => checkedAsync(count, async (turn) => (await map.get(keys[at(turn)]!)!).count),
      },
      {
        name: 'getOrFill',
        to: 'Map.get, awaited',
        run: (count) => checkedAsync(count, async (turn) => (await cache.getOrFill(policy, keys[at(turn)]!)).count),
      },
    ],
    close: () => cache.close(),
  }
}

/** A value of 4 KB in the page cache: the disk tier next to `pread` of the same bytes. */
export async function diskContest(parent: string = tmpdir()): Promise<Contest> {
  const directory = await mkdtemp(join(parent, 'freshtier-bench-'))
  const value = randomBytes(VALUE_BYTES)
  const store = await openDiskStore({ directory: join(directory, 'tier'), maxBytes: '64mb' })
  const file = await open(join(directory, 'raw'), 'w+')
  for (let n = 0; n < KEYS; n++) {
    await store.set({ key: `unit-${n}`, value })
    await file.write(value, 0, VALUE_BYTES, n * VALUE_BYTES)
  }
  const buffer = Buffer.alloc(VALUE_BYTES)
  return {
    name: `a value of ${VALUE_BYTES / 1024} KB on disk, one at a time`,
    sides: [
      {
        name: 'pread',
        run: async (count) => {
          for (let turn = 0; turn < count; turn++) await file.read(buffer, 0, VALUE_BYTES, at(turn) * VALUE_BYTES)
        },
      },
      {
        name: 'disk tier',
        to: 'pread',
        run: async (count) => {
          for (let turn = 0; turn < count; turn++) {
            if ((await store.get(`unit-${at(turn)}`))?.value.length !== VALUE_BYTES)
              throw new Error('A value is missing.')
          }
        },
      },
    ],
    close: async () => {
      await store.close()
      await file.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A hit in Redis next to `GET` and `JSON.parse` over the same client. */
export async function redisContest(url: string, prefix: string): Promise<Contest> {
  const name = `bench-${randomBytes(6).toString('hex')}`
  const redis = await connectRedis(url, { name, prefix })
  const cache = redis.cache()
  const policy = definePolicy({ name: 'entry', ttl: '10m', coordinate: { leaseMs: 60_000 } })
  const value = { text: 'x'.repeat(REDIS_VALUE_BYTES) }
  const raw = (n: number): string => `${redis.layout.base}raw:${n}`
  for (let n = 0; n < KEYS; n++) {
    await redis.command('SET', raw(n), JSON.stringify(value), 'EX', '600')
    await cache.set(policy, n, value)
  }
  const get = async (turn: number): Promise<void> => {
    const { text } = JSON.parse(String(await redis.command('GET', raw(at(turn))))) as typeof value
    if (text.length !== REDIS_VALUE_BYTES) throw new Error('A value is missing.')
  }
  const tier = async (turn: number): Promise<void> => {
    const found = (await cache.get(policy, at(turn))) as typeof value | undefined
    if (found?.text.length !== REDIS_VALUE_BYTES) throw new Error('A value is missing.')
  }
  return {
    name: `a value of ${REDIS_VALUE_BYTES / 1024} KB in Redis at ${redis.address}`,
    sides: [
      { name: 'GET, one at a time', run: (count) => byCallers(1, count, get) },
      { name: 'Redis tier, one at a time', to: 'GET, one at a time', run: (count) => byCallers(1, count, tier) },
      { name: `GET, ${CALLERS} at a time`, run: (count) => byCallers(CALLERS, count, get) },
      {
        name: `Redis tier, ${CALLERS} at a time`,
        to: `GET, ${CALLERS} at a time`,
        run: (count) => byCallers(CALLERS, count, tier),
      },
    ],
    close: async () => {
      try {
        const signal = AbortSignal.timeout(60_000)
        for await (const { keys } of scanKeys(redis, { match: `${globLiteral(redis.layout.base)}*`, signal })) {
          if (keys.length > 0) await redis.command('UNLINK', ...keys)
        }
      } finally {
        await redis.close()
      }
    },
  }
}

async function byCallers(callers: number, count: number, ask: (turn: number) => Promise<void>): Promise<void> {
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < count) await ask(next++)
  }
  await Promise.all(Array.from({ length: Math.min(callers, count) }, caller))
}

/** The sum keeps the compiler from leaving a read out, and finds a cache that answers nothing. */
function checked(count: number, read: (turn: number) => number): void {
  let sum = 0
  for (let turn = 0; turn < count; turn++) sum += read(turn)
  if (sum !== count) throw new Error('A value is missing.')
}

async function checkedAsync(count: number, read: (turn: number) => Promise<number>): Promise<void> {
  let sum = 0
  for (let turn = 0; turn < count; turn++) sum += await read(turn)
  if (sum !== count) throw new Error('A value is missing.')
}
