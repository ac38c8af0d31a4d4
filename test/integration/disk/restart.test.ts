import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cache, createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { seededRandom } from '../../../src/testing/index.js'
import { scratchParent } from '../../kit/scratch-parent.js'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'

const ROUNDS = 12
const KEYS = Array.from({ length: 24 }, (_, n) => n)
const seed = Date.now() % 1e6
const random = seededRandom(seed)
const row = definePolicy({ name: 'row', ttl: '1h', tags: (key: number) => [`tag-${key % 4}`] })

let server: RedisServer
let origin: Redis
let cache: Cache
let directory: string

beforeAll(async () => {
  server = await startRedisServer()
  origin = server.client()
  cache = createCache({ name: 'restart', tiers: [memoryTier(), redisTier({ client: origin as never })] })
  directory = mkdtempSync(join(scratchParent, 'freshtier-restart-'))
  await Promise.all(KEYS.map((key) => origin.set(`origin:${key}`, 1)))
})

afterAll(async () => {
  await cache.close()
  await server.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** A process over the directory; `call` runs one of its operations. */
async function start(): Promise<{ child: ChildProcess; call: (name: string, args?: object) => Promise<unknown> }> {
  const child = fork(fileURLToPath(new URL('./restart-child.mjs', import.meta.url)), {
    env: { ...process.env, REDIS_URL: server.url, DIRECTORY: directory },
  })
  await once(child, 'message')
  let lastId = 0
  const call = (name: string, args: object = {}): Promise<unknown> => {
    const id = ++lastId
    return new Promise((resolve, reject) => {
      const listen = (reply: { id: number; value?: unknown; error?: string }): void => {
        if (reply.id !== id) return
        child.off('message', listen)
        if (reply.error === undefined) resolve(reply.value)
        else reject(new Error(reply.error))
      }
      child.on('message', listen)
      child.send({ id, name, args })
    })
  }
  return { child, call }
}

/** A change at the origin, and its invalidation by key or by tag: from now on nothing older may be read. */
async function change(least: Map<number, number>): Promise<void> {
  const key = Math.floor(random.next() * KEYS.length)
  const version = Number(await origin.incr(`origin:${key}`))
  if (random.next() < 0.5) await cache.delete(row, key)
  else await cache.invalidate({ tags: [`tag-${key % 4}`] })
  least.set(key, version)
}

describe('killed and started again over the same directory', () => {
  it(`never serves what was invalidated before or while it was down (seed ${seed})`, { timeout: 300_000 }, async () => {
    const least = new Map<number, number>()
    let fromDisk = 0
    for (let round = 0; round < ROUNDS; round++) {
      const { child, call } = await start()
      const values = (await call('readAll', { keys: KEYS })) as number[]
      const wrong = KEYS.filter((key) => values[key]! < (least.get(key) ?? 1))
      expect(wrong.map((key) => `key ${key}: ${values[key]}, must be ${least.get(key)}`)).toEqual([])
      fromDisk += ((await call('tiers')) as { disk: number }).disk
      await call('churn', { keys: KEYS })
      for (let n = 0; n < 6; n++) await change(least)
      child.kill('SIGKILL')
      await once(child, 'exit')
      for (let n = 0; n < 4; n++) await change(least)
    }
    // The disk did answer: it was not simply never believed.
    expect(fromDisk).toBeGreaterThan(ROUNDS)
  })
})
